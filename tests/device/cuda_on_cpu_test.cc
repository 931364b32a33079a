// What runs kernels in tests, tested itself: a fault there would hide one of a kernel.
#include "device/cuda_on_cpu/run.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace cuda_on_cpu {
namespace {

TEST(CudaOnCpu, EveryThreadOfEveryBlockRunsOnce) {
  std::vector<int> runs(static_cast<std::size_t>(3 * 2 * 40));
  run({3, 2}, 40, 0,
      [&] { ++runs[(here().block.y * here().grid.x + here().block.x) * 40 + here().thread.x]; });
  EXPECT_EQ(std::count(runs.begin(), runs.end(), 1), 3 * 2 * 40);
}

TEST(CudaOnCpu, ABarrierIsForTheWholeBlock) {
  bool in_order = true;
  run({5}, 100, 100 * sizeof(unsigned), [&] {
    auto* shared = static_cast<unsigned*>(dynamic_shared());
    const unsigned own = here().thread.x;
    for (unsigned round = 0; round < 3; ++round) {
      shared[own] = own + round;
      wait_for_block();
      in_order &= shared[99 - own] == 99 - own + round;
      wait_for_block();
    }
  });
  EXPECT_TRUE(in_order);
}

TEST(CudaOnCpu, SharedMemoryBeginsAsRubbish) {
  bool rubbish = true;
  run({2}, 1, 8, [&] {
    auto* shared = static_cast<unsigned char*>(dynamic_shared());
    rubbish &= std::all_of(shared, shared + 8, [](unsigned char byte) { return byte == 0xfb; });
    std::fill(shared, shared + 8, static_cast<unsigned char>(0));
  });
  EXPECT_TRUE(rubbish);
}

TEST(CudaOnCpu, WarpsExchangeAmongThemselves) {
  std::vector<std::uint32_t> sums(96);
  run({1}, 96, 0, [&] {
    const unsigned own = here().thread.x;
    std::uint32_t sum = own;
    for (int apart = 16; apart > 0; apart /= 2) sum += exchange(sum, apart);
    sums[own] = sum;
  });
  for (unsigned i = 0; i < 96; ++i) {
    const unsigned first = i / 32 * 32;
    EXPECT_EQ(sums[i], 32 * first + 31 * 32 / 2);
  }
}

using CudaOnCpuDeathTest = ::testing::Test;
TEST(CudaOnCpuDeathTest, ABarrierThatSomeMissIsNoticed) {
  EXPECT_DEATH(run({1}, 64, 0,
                   [] {
                     if (here().thread.x < 10) wait_for_block();
                   }),
               "threads of block 0 wait at a barrier");
}

}  // namespace
}  // namespace cuda_on_cpu
