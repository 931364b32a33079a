#include "nn/shared/draws.h"

#include "nn/shared/attention.h"
#include "nn/shared/layers.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/bernoulli.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(SeededGenerator, TheSameSeedDropsTheSame) {
  const at::Tensor x = at::ones({64, 32, 8});
  const auto dropped = [&](std::uint64_t seed) { return dropout(x, 0.3, seeded_generator(at::kCPU, seed)); };
  EXPECT_TRUE(dropped(1).equal(dropped(1)));
  EXPECT_FALSE(dropped(1).equal(dropped(2)));
  EXPECT_NEAR(dropped(1).mean().item<double>(), 1, 0.02);  // what stays is scaled
  EXPECT_NEAR(dropped(1).eq(0).to(at::kFloat).mean().item<double>(), 0.3, 0.02);
}

// What earlier versions drew on a CPU, so that a run goes on to the same bits.
TEST(SeededGenerator, OnACpuIsLibTorchsOfThatSeed) {
  const at::Tensor x = at::randn({5, 7, 3}, at::detail::createCPUGenerator(1));
  const auto mask = [](at::IntArrayRef shape) {
    return at::bernoulli(at::full(shape, 0.75, at::kFloat), at::detail::createCPUGenerator(9)).div_(0.75);
  };
  EXPECT_TRUE(dropout(x, 0.25, seeded_generator(at::kCPU, 9)).equal(x * mask({5, 7, 3})));
  EXPECT_TRUE(drop_path(x, 0.25, seeded_generator(at::kCPU, 9)).equal(x * mask({5, 1, 1})));
}

TEST(SeededGenerator, DropPathDropsWholeRows) {
  const at::Tensor rows = drop_path(at::ones({200, 4, 3}), 0.5, seeded_generator(at::kCPU, 3));
  const at::Tensor first = rows.narrow(1, 0, 1).narrow(2, 0, 1);
  EXPECT_TRUE(rows.equal(first.expand({200, 4, 3})));
  EXPECT_NEAR(first.eq(0).to(at::kFloat).mean().item<double>(), 0.5, 0.15);
}

TEST(SeededGenerator, MasksAreOfTheirInputsType) {
  const at::Tensor x = at::ones({64}, at::kBFloat16);
  EXPECT_EQ(dropout(x, 0.5, seeded_generator(at::kCPU, 3)).scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace pillar
