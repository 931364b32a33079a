#include "train/pretrain/validation.h"

#include "pillar/train/contrastive.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(SetLoss, IsTheLossOfTheWholeSetAsOneBatch) {
  const auto rows = [](std::uint64_t seed) {
    const at::Tensor drawn =
        at::randn({1500, 8}, at::detail::createCPUGenerator(seed));  // more than one block
    return drawn / drawn.norm(2, {1}, true);
  };
  const at::Tensor image = rows(1), text = rows(2), scale = at::full({}, 2.0, at::kFloat);
  EXPECT_NEAR(set_loss(image, text, 2.0), contrastive_loss(image, text, scale, World()).loss.item<double>(),
              1e-5);
}

TEST(SetLoss, IsOfEveryKindThatTrainingHas) {
  const auto rows = [](std::uint64_t seed) {
    const at::Tensor drawn = at::randn({1100, 8}, at::detail::createCPUGenerator(seed));
    return drawn / drawn.norm(2, {1}, true);
  };
  const at::Tensor image = rows(1), text = rows(2), scale = at::full({}, 1.0, at::kFloat),
                   bias = at::full({}, -2.0, at::kFloat);
  std::vector<std::int64_t> reports(1100, -1);
  for (std::size_t i = 0; i < reports.size(); i += 3) reports[i] = static_cast<std::int64_t>(i % 7);
  for (const ContrastiveKind kind : {ContrastiveKind::clip, ContrastiveKind::siglip}) {
    for (const SameReport same : {SameReport::negative, SameReport::positive, SameReport::leave_out}) {
      const ContrastiveOptions options{kind, same};
      const double one_batch =
          contrastive_loss(image, text, scale, World(), options, reports, bias).loss.item<double>();
      const double used_bias = kind == ContrastiveKind::siglip ? -2.0 : 0;
      EXPECT_NEAR(set_loss(image, text, 1.0, options, at::tensor(reports), used_bias), one_batch,
                  1e-6 * one_batch);
    }
  }
}

}  // namespace
}  // namespace pillar
