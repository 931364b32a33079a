#include "pillar/model/text_projection.h"

#include "support/expect_error.h"

#include <cmath>

#include <ATen/ops/allclose.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const WeightMap kLinear = {{"text.proj.weight", at::ones({3, 5})}, {"logit_scale", at::zeros({})}};
const WeightMap kMlp = {{"text.proj.fc1.weight", at::ones({4, 5})},
                        {"text.proj.fc1.bias", at::zeros({4})},
                        {"text.proj.fc2.weight", at::ones({3, 4})}};

TEST(TextProjection, TellsKindAndWidths) {
  const TextProjection linear = text_projection(kLinear, "m"), mlp = text_projection(kMlp, "m");
  EXPECT_EQ(linear.kind, TextProjectionKind::linear);
  EXPECT_EQ(mlp.kind, TextProjectionKind::mlp);
  for (const TextProjection& projection : {linear, mlp}) {
    EXPECT_EQ(projection.text_width, 5);
    EXPECT_EQ(projection.image_width, 3);
  }
}

TEST(TextProjection, RefusesWhatIsNone) {
  const auto refused = [](WeightMap weights, const char* fault) {
    EXPECT_PILLAR_ERROR(text_projection(weights, "a model"), ErrorCategory::input,
                        AllOf(HasSubstr("a model: "), HasSubstr(fault)));
  };
  refused({{"logit_scale", at::zeros({})}}, "no text projection (text.proj.weight)");
  refused({{"text.proj.weight", at::ones({3})}}, "text.proj.weight is no matrix");
  refused({{"text.proj.weight", at::ones({3, 0})}}, "text.proj.weight is no matrix");
  WeightMap both = kMlp;
  both.insert(kLinear.begin(), kLinear.end());
  refused(both, "two text projections");
  WeightMap half = kMlp;
  half.erase("text.proj.fc1.weight");
  refused(half, "no text.proj.fc1.weight");
  half = kMlp;
  half.erase("text.proj.fc2.weight");
  refused(half, "no text.proj.fc2.weight");
  half = kMlp;
  half.erase("text.proj.fc1.bias");
  refused(half, "text.proj.fc1.bias is missing");
  half["text.proj.fc1.bias"] = at::zeros({3});
  refused(half, "text.proj.fc1.bias");
  WeightMap other = kMlp;
  other["text.proj.fc2.weight"] = at::ones({3, 7});
  refused(other, "takes 7 numbers, text.proj.fc1.weight gives 4");
}

TEST(ProjectText, GivesUnitRowsOfTheRightNumbers) {
  const WeightMap linear = {{"text.proj.weight", at::tensor({3.f, 0.f, 0.f, 4.f}).reshape({2, 2})}};
  const at::Tensor rows = project_text(linear, at::tensor({1.0, 1.0, 2.0, 0.0}).reshape({2, 2}), at::kDouble);
  ASSERT_EQ(rows.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::allclose(rows, at::tensor({.6, .8, 1., 0.}).reshape({2, 2}).to(at::kDouble), 0, 1e-7));
  EXPECT_EQ(project_text(linear, at::ones({1, 2}), at::kBFloat16).scalar_type(), at::kFloat);
  EXPECT_EQ(project_text(linear, at::zeros({1, 2}), at::kFloat).abs().max().item<float>(), 0);

  // GELU(1 + 1) and GELU(-1 + 1) = 0 through the identity.
  const WeightMap mlp = {{"text.proj.fc1.weight", at::eye(2)},
                         {"text.proj.fc1.bias", at::ones({2})},
                         {"text.proj.fc2.weight", at::tensor({1.f, 5.f, 1.f, 7.f}).reshape({2, 2})}};
  const at::Tensor bent = project_text(mlp, at::tensor({1.0, -1.0}).reshape({1, 2}), at::kDouble);
  EXPECT_NEAR(bent[0][0].item<double>(), std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(bent[0][1].item<double>(), std::sqrt(0.5), 1e-12);
}

}  // namespace
}  // namespace pillar
