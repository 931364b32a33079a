// Maxima of blocks of tokens by our kernel, against LibTorch's, to the bit.
#include "model/atlas/window_grid.h"
#include "support/kernel_places.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct PoolCase {
  std::vector<std::int64_t> shape_bdhwc;
  Size3 by;
};

TEST(MaxPoolKernel, IsLibTorchs) {
  const test::PoisonedMemory poisoned;
  const std::vector<PoolCase> cases = {{{2, 8, 8, 8, 12}, {4, 4, 4}},
                                       {{1, 7, 5, 9, 4}, {2, 2, 4}},  // what is left over is dropped
                                       {{3, 4, 6, 5, 384}, {1, 2, 5}},
                                       {{5, 3, 3, 3, 6}, {3, 3, 3}}};  // channels that only LibTorch takes
  for (const test::KernelPlace& place : test::kernel_places()) {
    Execution ours, plain;
    ours.device = plain.device = place.device;
    ours.kernels = place.kernels;
    for (const PoolCase& c : cases) {
      const at::Tensor x =
          at::randn(c.shape_bdhwc, at::detail::createCPUGenerator(1), at::kFloat).to(place.device);
      EXPECT_TRUE(at::equal(max_pool_grid(x, c.by, ours), max_pool_grid(x, c.by, plain)));
    }
  }
}

TEST(MaxPoolKernel, NaNIsLargerThanAllElse) {
  for (const test::KernelPlace& place : test::kernel_places()) {
    Execution ours;
    ours.device = place.device, ours.kernels = place.kernels;
    for (const std::int64_t first : {0, 1, 3}) {
      at::Tensor x =
          at::randn({1, 4, 4, 4, 4}, at::detail::createCPUGenerator(1), at::kFloat).to(place.device);
      x.select(1, first).select(1, 2).select(1, 0).fill_(std::nan(""));
      EXPECT_EQ(at::isnan(max_pool_grid(x, {2, 2, 2}, ours)).sum().item<std::int64_t>(), 4);
    }
  }
}

}  // namespace
}  // namespace pillar
