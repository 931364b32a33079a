#include "pillar/model/joint_space.h"

#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <limits>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

JointSpace space_of(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  const TempDir dir;
  write_safetensors(dir / "model.safetensors", tensors);
  return load_joint_space(dir / "model.safetensors");
}

JointSpace plain_space() {
  return space_of({{"model.text.proj.weight", at::tensor({2.f, 0.f, 0.f, 0.f, 2.f, 0.f}).reshape({2, 3})},
                   {"model.logit_scale", at::full({}, std::log(10.0), at::kFloat)},
                   {"model.visual.patch_embeds.x", at::ones({4})}});
}

TEST(JointSpace, KeepsTheTextSideOnly) {
  const JointSpace space = plain_space();
  EXPECT_EQ(space.weights.size(), 2u);
  EXPECT_EQ(space.projection.text_width, 3);
  EXPECT_EQ(space.projection.image_width, 2);
  EXPECT_NEAR(logit_factor(space), 10, 1e-6);
}

TEST(JointSpace, AModelWithoutATextSideIsNamed) {
  EXPECT_PILLAR_ERROR(space_of({{"logit_scale", at::zeros({})}}), ErrorCategory::input,
                      AllOf(HasSubstr("model.safetensors: no text projection"), HasSubstr("pretrained")));
  EXPECT_PILLAR_ERROR(load_joint_space("/no/such/model"), ErrorCategory::io, HasSubstr("/no/such/model"));
}

TEST(JointSpace, ALogitScaleThatIsNoneIsNamed) {
  const at::Tensor projection = at::ones({2, 3});
  EXPECT_PILLAR_ERROR(logit_factor(space_of({{"text.proj.weight", projection}})), ErrorCategory::input,
                      HasSubstr("no logit_scale"));
  for (const double value : {1000.0, -1000.0, 12.0, -12.0}) {
    EXPECT_PILLAR_ERROR(
        logit_factor(space_of({{"text.proj.weight", projection}, {"logit_scale", at::full({}, value)}})),
        ErrorCategory::input, HasSubstr("a logit_scale of"));
  }
}

TEST(JointSpace, RowsAreUnitAndInDouble) {
  const JointSpace space = plain_space();
  const at::Tensor images = image_embeddings(space, at::tensor({3e30f, 4e30f}).reshape({1, 2}), {"A"});
  ASSERT_EQ(images.scalar_type(), at::kDouble);
  EXPECT_NEAR(images[0][0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(images.norm().item<double>(), 1, 1e-14);
  const at::Tensor texts =
      text_embeddings(space, at::tensor({4.f, -3.f, 9.f}).reshape({1, 3}), {"t"}, "bank.pt");
  ASSERT_EQ(texts.scalar_type(), at::kDouble);
  EXPECT_NEAR(texts[0][0].item<double>(), 0.8, 1e-15);
  EXPECT_NEAR(texts[0][1].item<double>(), -0.6, 1e-15);
}

TEST(JointSpace, OtherWidthsAreNamed) {
  const JointSpace space = plain_space();
  EXPECT_PILLAR_ERROR(image_embeddings(space, at::ones({1, 7}), {"A"}), ErrorCategory::input,
                      AllOf(HasSubstr("model.safetensors"), HasSubstr("to 2 numbers"), HasSubstr("have 7")));
  EXPECT_PILLAR_ERROR(text_embeddings(space, at::ones({1, 4096}), {"t"}, "bank.pt"), ErrorCategory::input,
                      AllOf(HasSubstr("bank.pt: vectors of 4096 numbers"), HasSubstr("takes 3")));
}

TEST(JointSpace, RowsThatAreNoneAreNamed) {
  const JointSpace space = plain_space();
  EXPECT_PILLAR_ERROR(image_embeddings(space, at::tensor({1.f, 0.f, 0.f, 0.f}).reshape({2, 2}), {"A", "B"}),
                      ErrorCategory::input, HasSubstr("embedding of B is zero"));
  at::Tensor vectors = at::ones({2, 3});
  vectors[1][2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(text_embeddings(space, vectors, {"a", "b, <c>"}, "bank.pt"), ErrorCategory::input,
                      HasSubstr("bank.pt: 'b, <c>' has NaN"));
  EXPECT_PILLAR_ERROR(text_embeddings(space, at::tensor({0.f, 0.f, 1.f}).reshape({1, 3}), {"a"}, "bank.pt"),
                      ErrorCategory::input, HasSubstr("'a' becomes zero"));
}

}  // namespace
}  // namespace pillar
