#include "data/loader/volume_cache.h"

#include <atomic>
#include <new>
#include <thread>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

KeptVolume some() {
  return {std::nullopt, at::zeros({1, 2, 2, 2}, at::kShort)};
}

TEST(VolumeCache, FirstComeIsFirstKeptAndTheBoundIsExact) {
  VolumeCache cache(32);
  cache.offer(5, 16, some);
  cache.offer(6, 17, some);
  EXPECT_EQ(cache.left(), 16u) << "a byte too large";
  cache.offer(7, 16, some);
  cache.offer(8, 1, some);
  EXPECT_EQ(cache.left(), 0u);
  EXPECT_TRUE(cache.find(5));
  EXPECT_FALSE(cache.find(6));
  EXPECT_TRUE(cache.find(7));
  EXPECT_FALSE(cache.find(8));
  EXPECT_FALSE(VolumeCache(0).find(1));
}

TEST(VolumeCache, AStudyIsKeptOnce) {
  VolumeCache cache(100);
  cache.offer(1, 16, some);
  cache.offer(1, 16, [] {
    ADD_FAILURE() << "made again";
    return some();
  });
  EXPECT_EQ(cache.left(), 84u);
}

TEST(VolumeCache, WhatCannotBeMadeGivesItsRoomBack) {
  VolumeCache cache(16);
  cache.offer(1, 16, []() -> KeptVolume { throw std::bad_alloc(); });
  EXPECT_FALSE(cache.find(1));
  EXPECT_EQ(cache.left(), 16u);
  cache.offer(1, 16, some);
  EXPECT_TRUE(cache.find(1));
}

TEST(VolumeCache, ThreadsShareTheBound) {
  VolumeCache cache(16 * 10);
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (std::int64_t study = 0; study < 50; ++study) {
          cache.offer(study, 16, [&] {
            ++made;
            return some();
          });
        }
      });
    }
  }
  EXPECT_EQ(made, 10);
  EXPECT_EQ(cache.left(), 0u);
}

}  // namespace
}  // namespace pillar
