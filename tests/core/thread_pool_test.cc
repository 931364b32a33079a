#include "pillar/core/thread_pool.h"

#include "support/expect_error.h"

#include <atomic>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <sched.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ThreadPool, RunsEverythingSubmitted) {
  std::atomic<int> sum{0};
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 3);
  for (int i = 1; i <= 100; ++i) pool.submit([&sum, i] { sum += i; });
  pool.wait();
  EXPECT_EQ(sum, 5050);
}

TEST(ThreadPool, TheDestructorFinishesWhatWasSubmitted) {
  std::atomic<int> done{0};
  {
    ThreadPool pool(2);
    for (int i = 0; i < 50; ++i) pool.submit([&done] { ++done; });
  }
  EXPECT_EQ(done, 50);
}

TEST(ThreadPool, StartsInTheOrderOfSubmission) {
  std::vector<int> order;
  ThreadPool pool(1);
  for (int i = 0; i < 5; ++i) pool.submit([&order, i] { order.push_back(i); }, 1);
  pool.wait();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST(ThreadPool, TasksRunAtTheSameTime) {
  std::latch both(2);
  ThreadPool pool(2);
  for (int i = 0; i < 2; ++i) pool.submit([&both] { both.arrive_and_wait(); });
  pool.wait();
  EXPECT_TRUE(both.try_wait());
}

TEST(ThreadPool, MemoryOfWaitingAndRunningTasksStaysUnderTheBound) {
  std::atomic<std::uint64_t> in_use{0}, peak{0};
  ThreadPool pool(4, 100);
  for (int i = 0; i < 60; ++i) {
    const std::uint64_t bytes = 10 + static_cast<std::uint64_t>(i) % 50;
    pool.submit(
        [&, bytes] {
          const std::uint64_t now = in_use += bytes;
          for (std::uint64_t seen = peak; seen < now && !peak.compare_exchange_weak(seen, now);) continue;
          std::this_thread::yield();
          in_use -= bytes;
        },
        bytes);
  }
  pool.wait();
  EXPECT_LE(peak, 100u);
  EXPECT_GT(peak, 0u);
}

TEST(ThreadPool, SubmitBlocksUntilThereIsRoom) {
  std::latch may_end(1);
  std::atomic<bool> submitted{false};
  ThreadPool pool(2, 100);
  pool.submit([&] { may_end.wait(); }, 60);
  std::thread submitter([&] {
    pool.submit([] {}, 60);
    submitted = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(submitted);
  may_end.count_down();
  submitter.join();
  EXPECT_TRUE(submitted);
  pool.wait();
}

TEST(ThreadPool, ATaskLargerThanTheBoundRunsAlone) {
  std::atomic<int> running{0}, most{0};
  ThreadPool pool(4, 100);
  for (std::uint64_t bytes :
       {std::uint64_t{50}, UINT64_MAX, std::uint64_t{50}, std::uint64_t{1000}, std::uint64_t{50}}) {
    pool.submit(
        [&, bytes] {
          const int now = ++running;
          if (bytes > 100) most = std::max(most.load(), now);
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          if (bytes > 100) most = std::max(most.load(), running.load());
          --running;
        },
        bytes);
  }
  pool.wait();
  EXPECT_EQ(most, 1);
}

TEST(ThreadPool, WhatATaskHeldIsGoneBeforeItsRoomIsGiven) {
  ThreadPool pool(1, 10);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  pool.submit([held] {}, 10);
  held.reset();
  pool.submit([] {}, 10);
  EXPECT_TRUE(watch.expired());
}

TEST(ThreadPool, WaitRethrowsTheFirstExceptionOnce) {
  std::atomic<int> done{0};
  ThreadPool pool(1);
  pool.submit([] { throw std::runtime_error("first"); });
  pool.submit([] { throw std::runtime_error("second"); });
  pool.submit([&done] { ++done; });
  try {
    pool.wait();
    ADD_FAILURE() << "wait() did not throw";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_EQ(done, 1);
  pool.wait();
  pool.submit([&done] { ++done; });
  pool.wait();
  EXPECT_EQ(done, 2);
}

TEST(ThreadPool, NeedsAThread) {
  EXPECT_PILLAR_ERROR(ThreadPool(0), ErrorCategory::usage, HasSubstr("at least one thread"));
  EXPECT_PILLAR_ERROR(parallel_for(3, -1, [](std::int64_t) {}), ErrorCategory::usage,
                      HasSubstr("-1 threads"));
}

TEST(UsableProcessors, FollowsTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(usable_processors(), CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_processors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(ParallelFor, CallsEachIndexOnce) {
  for (int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> calls(100);
    parallel_for(100, threads, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
  parallel_for(0, 4, [](std::int64_t) { FAIL(); });
  parallel_for(-1, 4, [](std::int64_t) { FAIL(); });
}

TEST(ParallelFor, OneThreadIsTheCallersOwn) {
  parallel_for(3, 1, [caller = std::this_thread::get_id()](std::int64_t) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST(ParallelFor, RethrowsTheExceptionOfTheLowestIndex) {
  for (int threads : {1, 2, 5}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      try {
        parallel_for(50, threads, [](std::int64_t i) {
          if (i >= 7) throw std::runtime_error(std::to_string(i));
        });
        ADD_FAILURE() << "did not throw";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "7");
      }
    }
  }
}

}  // namespace
}  // namespace pillar
