#include "train/pretrain/validation.h"

#include "pillar/train/contrastive.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/randn.h>
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
  EXPECT_NEAR(set_loss(image, text, 2.0), contrastive_loss(image, text, scale, World()).loss, 1e-5);
}

}  // namespace
}  // namespace pillar
