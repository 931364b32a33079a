#include "pillar/data/prefetch.h"

#include "support/expect_error.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace pillar {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

PrefetchOptions prefetch_options(int threads, std::uint64_t memory = UINT64_MAX) {
  return {threads, memory};
}

TEST(Prefetch, OrderIsKeptWhicheverThreadIsFaster) {
  Prefetch<int> prefetch(
      50,
      [](std::int64_t i, MemoryShare&) {
        if (i % 7 == 0) std::this_thread::sleep_for(2ms);
        return static_cast<int>(i * i);
      },
      prefetch_options(4));
  for (int i = 0; i < 50; ++i) {
    const auto item = prefetch.next();
    ASSERT_TRUE(item);
    EXPECT_EQ(item->index, i);
    EXPECT_EQ(item->value, i * i);
  }
  EXPECT_FALSE(prefetch.next());
  EXPECT_FALSE(prefetch.next());
}

TEST(Prefetch, NothingToLoadEndsAtOnce) {
  Prefetch<int> prefetch(
      0, [](std::int64_t, MemoryShare&) { return 1; }, prefetch_options(3));
  EXPECT_FALSE(prefetch.next());
}

TEST(Prefetch, AFaultIsCarriedAndTheNextItemComes) {
  Prefetch<int> prefetch(
      3,
      [](std::int64_t i, MemoryShare&) {
        if (i == 1) throw Error(ErrorCategory::input, "item 1 is broken");
        return 5;
      },
      prefetch_options(2));
  EXPECT_EQ(prefetch.next()->value, 5);
  const auto broken = prefetch.next();
  EXPECT_FALSE(broken->value);
  EXPECT_PILLAR_ERROR(std::rethrow_exception(broken->error), ErrorCategory::input,
                      HasSubstr("item 1 is broken"));
  EXPECT_EQ(prefetch.next()->value, 5);
}

TEST(Prefetch, ItemsThatWaitToBeTakenAreHeld) {
  Prefetch<int> prefetch(
      3, [](std::int64_t, MemoryShare&) { return 1; }, prefetch_options(1));
  EXPECT_TRUE(prefetch.wait_for(60s));
  std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(prefetch.next());
  const double of_first = prefetch.held_seconds();
  EXPECT_GE(of_first, 0.02);
  EXPECT_TRUE(prefetch.wait_for(60s));
  std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(prefetch.next());
  EXPECT_GE(prefetch.held_seconds(), of_first + 0.02);
}

TEST(Prefetch, TheMemoryBoundHoldsBackWhatIsAhead) {
  std::atomic<int> held = 0, most = 0;
  const auto load = [&](std::int64_t, MemoryShare& share) {
    share.set(10);
    const int now = ++held;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    return 1;
  };
  Prefetch<int> prefetch(40, load, prefetch_options(6, 30));
  for (int i = 0; i < 40; ++i) {
    std::this_thread::sleep_for(1ms);
    --held;  // before its share is given back
    ASSERT_TRUE(prefetch.next());
  }
  // Three at once, and one more where the item waited for is let in over the bound.
  EXPECT_LE(most, 4);
  EXPECT_GE(most, 2);
}

TEST(Prefetch, OneItemLargerThanTheBoundStillComes) {
  Prefetch<int> prefetch(
      8,
      [](std::int64_t i, MemoryShare& share) {
        share.set(i % 2 == 0 ? 1000 : 5);
        share.set(3);
        return static_cast<int>(i);
      },
      prefetch_options(4, 10));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(prefetch.next()->value, i);
}

TEST(Prefetch, StoppingEarlyDoesNotWaitForRoomThatNeverComes) {
  std::atomic<int> loaded = 0;
  {
    Prefetch<int> prefetch(
        1000,
        [&](std::int64_t, MemoryShare& share) {
          share.set(10);
          return ++loaded;
        },
        prefetch_options(4, 20));
    EXPECT_TRUE(prefetch.next());
  }
  EXPECT_LT(loaded, 20);
}

TEST(Prefetch, TellsHowLongTheConsumerWaited) {
  Prefetch<int> slow(
      1,
      [](std::int64_t, MemoryShare&) {
        std::this_thread::sleep_for(60ms);
        return 1;
      },
      prefetch_options(1));
  slow.next();
  EXPECT_GT(slow.waited_seconds(), 0.04);
  Prefetch<int> ready(
      1, [](std::int64_t, MemoryShare&) { return 1; }, prefetch_options(1));
  std::this_thread::sleep_for(100ms);
  ready.next();
  EXPECT_LT(ready.waited_seconds(), 0.04);
}

TEST(Prefetch, NoThreadsIsAnError) {
  EXPECT_PILLAR_ERROR(Prefetch<int>(
                          1, [](std::int64_t, MemoryShare&) { return 1; }, prefetch_options(0)),
                      ErrorCategory::usage, HasSubstr("0 threads"));
}

TEST(Prefetch, AWaitHasAnEnd) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  Prefetch<int> prefetch(2,
                         [opened](std::int64_t index, MemoryShare&) {
                           if (index == 1) opened.wait();
                           return 7;
                         },
                         {2, UINT64_MAX});
  EXPECT_TRUE(prefetch.wait_for(std::chrono::minutes(5)));
  EXPECT_EQ(prefetch.next()->value, 7);
  EXPECT_FALSE(prefetch.wait_for(std::chrono::milliseconds(20)));
  gate.set_value();
  EXPECT_TRUE(prefetch.wait_for(std::chrono::minutes(5)));
  EXPECT_EQ(prefetch.next()->index, 1);
  EXPECT_TRUE(prefetch.wait_for(std::chrono::milliseconds(0))) << "there is nothing to wait for";
}

}  // namespace
}  // namespace pillar
