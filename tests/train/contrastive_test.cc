#include "pillar/train/contrastive.h"

#include "pillar/core/safetensors.h"

#include "support/contrastive_case.h"
#include "support/expect_error.h"
#include "support/ranks.h"
#include "support/temp_dir.h"

#include <cmath>
#include <optional>
#include <regex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

namespace pillar {
namespace {

at::Tensor unit_rows(std::int64_t count, std::int64_t width, std::uint64_t seed) {
  const at::Tensor rows = at::randn({count, width}, at::detail::createCPUGenerator(seed));
  return rows / rows.norm(2, {1}, true);
}

// Relative to each tensor's largest value: rounding of another order of sums.
void expect_same(const std::map<std::string, at::Tensor>& expected, const auto& found,
                 const std::optional<std::string>& ignored = std::nullopt) {
  for (const auto& [name, reference] : expected) {
    const auto own = found.find(name);
    ASSERT_NE(own, found.end()) << name;
    // A bias in front of BatchNorm by batch statistics has no gradient but rounding noise.
    if (ignored && std::regex_search(name, std::regex(*ignored))) continue;
    const double scale = reference.abs().max().template item<double>();
    EXPECT_LE((own->second - reference).abs().max().template item<double>(), 2e-5 * scale + 1e-9) << name;
  }
}

TEST(ContrastiveLoss, IsTheMeanOfBothCrossEntropies) {
  const at::Tensor image = unit_rows(5, 8, 1), text = unit_rows(5, 8, 2), scale = at::tensor(1.5);
  const ContrastiveLoss found = contrastive_loss(image, text, scale.to(at::kFloat), World());
  const at::Tensor logits = (image.matmul(text.t()) * std::exp(1.5)).to(at::kDouble);
  double expected = 0;
  for (std::int64_t i = 0; i < 5; ++i) {
    const double own = logits[i][i].item<double>();
    expected += std::log(logits[i].exp().sum().item<double>()) - own;
    expected += std::log(logits.select(1, i).exp().sum().item<double>()) - own;
  }
  EXPECT_NEAR(found.loss, expected / 10, 1e-6);
}

TEST(ContrastiveLoss, DerivativesAreThoseOfTheLoss) {
  const at::Tensor image = unit_rows(4, 6, 1), text = unit_rows(4, 6, 2),
                   scale = at::tensor(1.0).to(at::kFloat);
  const ContrastiveLoss at_point = contrastive_loss(image, text, scale, World());
  constexpr double kStep = 1e-2;
  const auto slope = [&](const at::Tensor& i, const at::Tensor& t, const at::Tensor& s, const at::Tensor& i2,
                         const at::Tensor& t2, const at::Tensor& s2) {
    return (contrastive_loss(i2, t2, s2, World()).loss - contrastive_loss(i, t, s, World()).loss) /
           (2 * kStep);
  };
  at::Tensor nudge = at::zeros_like(image);
  nudge[1][2] = kStep;
  EXPECT_NEAR(at_point.image_grad[1][2].item<double>(),
              slope(image - nudge, text, scale, image + nudge, text, scale), 2e-4);
  EXPECT_NEAR(at_point.text_grad[1][2].item<double>(),
              slope(image, text - nudge, scale, image, text + nudge, scale), 2e-4);
  EXPECT_NEAR(at_point.logit_scale_grad.item<double>(),
              slope(image, text, scale - kStep, image, text, scale + kStep), 2e-4);
}

TEST(ContrastiveLoss, UnmatchedRowsAreAnError) {
  ContrastivePart part;
  part.micro_batches = 1;
  part.width = 4;
  part.image_embeddings = [](std::int64_t, bool) { return unit_rows(3, 4, 1).requires_grad_(true); };
  part.text_embeddings = [] { return unit_rows(2, 4, 2); };
  part.before_last_backward = [] {};
  at::Tensor scale = at::tensor(1.0).to(at::kFloat).requires_grad_(true);
  EXPECT_PILLAR_ERROR(add_contrastive_gradients({part}, scale, World()), ErrorCategory::input,
                      testing::HasSubstr("2 text rows"));
}

// On one thread BatchNorm's backward adds all of a batch's voxels one after the other in float32, and the
// rounding of that one sum is 3e-5 of the largest gradient of a scale: more than any split makes. Two threads
// halve the sum, whatever machine this is.
class GradientCache : public testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(2); }
};

TEST_F(GradientCache, MicroBatchesGiveTheGradientsOfTheWholeBatch) {
  const World alone;
  const auto whole = test::contrastive_case(alone, 1);
  EXPECT_GT(whole.size(), 50u);
  for (const auto& [name, gradient] : whole) {
    if (name.ends_with("attn.proj.weight")) {
      EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
    }
  }
  expect_same(whole, test::contrastive_case(alone, 3));
  expect_same(whole, test::contrastive_case(alone, 12));
}

// What two processes of `scenario` end with, each.
void expect_both_ranks(const std::map<std::string, at::Tensor>& expected, const std::string& scenario,
                       const std::optional<std::string>& ignored = std::nullopt) {
  const test::TempDir dir;
  test::RankSettings settings;
  settings.environment["OUT"] = (dir / "gradients").string();
  for (const test::ProgramResult& result : test::run_ranks(2, scenario, settings))
    ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* rank : {"0", "1"}) {
    const SafetensorsFile file(dir / fmt::format("gradients{}", rank));
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, entry] : file.entries()) found.emplace(name, file.tensor(name));
    expect_same(expected, found, ignored);
  }
}

TEST_F(GradientCache, ProcessesGiveTheGradientsOfTheWholeBatch) {
  expect_both_ranks(test::contrastive_case(World(), 1), "contrastive");
}

TEST(SyncBatchNorm, SeesTheWholeBatch) {
  expect_both_ranks(test::contrastive_case(World(), 1, true), "sync_batchnorm", R"(conv1\.\d\.conv\d\.bias)");
}

}  // namespace
}  // namespace pillar
