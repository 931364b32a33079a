#include "world/liveness.h"

#include "support/expect_error.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <ATen/ops/ones.h>

namespace pillar {
namespace {

using c10::ivalue::Future;
using std::chrono::milliseconds;
using testing::HasSubstr;

const MembershipTiming kQuick = {milliseconds(20), milliseconds(600), milliseconds(3000), milliseconds(500),
                                 milliseconds(500)};

constexpr int kEnded = 9;  // the exit code of a process that Liveness asked to end

// A store in memory, in which rank 1's line is written by the test.
struct Lines {
  std::mutex mutex;
  std::vector<std::string> lines = {to_text({}), to_text({})};
  std::atomic<bool> lost = false;
  std::atomic<milliseconds> delay = milliseconds(0);  // of each reading
  std::string of(std::size_t rank) {
    const std::lock_guard lock(mutex);
    return lines[rank];
  }
  void set(std::size_t rank, const std::string& line) {
    const std::lock_guard lock(mutex);
    lines[rank] = line;
  }
};

MembershipStore store_of(const std::shared_ptr<Lines>& lines) {
  return {[lines](const std::string& line) { lines->set(0, line); },
          [lines] {
            if (lines->lost) throw std::runtime_error("connection reset\nframe 0: ...");
            std::this_thread::sleep_for(lines->delay.load());
            const std::lock_guard lock(lines->mutex);
            return lines->lines;
          }};
}

struct LivenessTest : testing::Test {
  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  std::unique_ptr<Liveness> start(bool device_queues = false) {
    return std::make_unique<Liveness>(store_of(lines), std::vector<std::string>{"rank 0 (a)", "rank 1 (b)"},
                                      0, kQuick, device_queues, [] { std::_Exit(kEnded); });
  }
  c10::intrusive_ptr<Future> future() { return c10::make_intrusive<Future>(c10::TensorType::get()); }
};

TEST_F(LivenessTest, AResultPassesThrough) {
  const auto liveness = start();
  liveness->begin();
  const auto done = future();
  const auto guarded = liveness->guard(*done, at::ones({2}));
  EXPECT_FALSE(guarded->completed());
  done->markCompleted(at::ones({1}));
  guarded->waitAndThrow();
  EXPECT_EQ(guarded->value().toTensor().numel(), 2);
  EXPECT_FALSE(liveness->broken());
  lines->set(1, to_text({MemberLine::State::left, 1, 0, ""}));
}

TEST_F(LivenessTest, AFailureElsewhereEndsAWait) {
  const auto liveness = start();
  const auto never = future();
  const auto guarded = liveness->guard(*never, at::ones({1}));
  lines->set(1, to_text({MemberLine::State::failed, 1, 0, "disk full"}));
  EXPECT_PILLAR_ERROR(guarded->waitAndThrow(), ErrorCategory::io, "rank 1 (b) failed: disk full");
  EXPECT_PILLAR_ERROR(liveness->begin(), ErrorCategory::io, HasSubstr("disk full"));
  EXPECT_TRUE(liveness->broken());
  never->markCompleted(at::ones({1}));  // too late, and no harm
}

TEST_F(LivenessTest, ABrokenCollectiveWaitsForTheCulprit) {
  const auto liveness = start();
  const auto done = future();
  const auto guarded = liveness->guard(*done, at::ones({1}));
  done->setError(std::make_exception_ptr(std::runtime_error("reset by peer\nframe")));
  EXPECT_PILLAR_ERROR(guarded->waitAndThrow(), ErrorCategory::io, HasSubstr("rank 1 (b) is gone"));
}

// A busy machine answers late: the last sign of a rank that has died may be read after the collective broke.
TEST_F(LivenessTest, ALastSignThatIsReadLateIsNoLife) {
  lines->delay = kQuick.suspect + milliseconds(100);
  const auto liveness = start();
  const auto done = future();
  const auto guarded = liveness->guard(*done, at::ones({1}));
  lines->set(1, to_text({MemberLine::State::alive, 1, 0, ""}));
  done->setError(std::make_exception_ptr(std::runtime_error("reset by peer\nframe")));
  EXPECT_PILLAR_ERROR(guarded->waitAndThrow(), ErrorCategory::io, HasSubstr("rank 1 (b) is gone"));
  lines->delay = milliseconds(0);
}

TEST_F(LivenessTest, ABrokenCollectiveOfTheLivingIsToldAsItIs) {
  const auto liveness = start();
  std::atomic<bool> stop = false;
  std::thread other([&] {
    for (int beat = 1; !stop; ++beat) {
      lines->set(1, to_text({MemberLine::State::alive, beat, 0, ""}));
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  liveness->begin();
  EXPECT_PILLAR_ERROR(liveness->fail_for("timed out\nframe"), ErrorCategory::io,
                      testing::AllOf(HasSubstr("timed out"), HasSubstr("not yet there: rank 1 (b)"),
                                     testing::Not(HasSubstr("frame"))));
  stop = true;
  other.join();
}

TEST_F(LivenessTest, ALivingRankThatNeverComesIsNamed) {
  MembershipTiming timing = kQuick;
  timing.late = milliseconds(300);
  Liveness liveness(store_of(lines), {"rank 0 (a)", "rank 1 (b)"}, 0, timing, false,
                    [] { std::_Exit(kEnded); });
  const auto never = future();
  liveness.begin();
  const auto guarded = liveness.guard(*never, at::ones({1}));
  EXPECT_PILLAR_ERROR(guarded->waitAndThrow(), ErrorCategory::io,
                      testing::AllOf(HasSubstr("has not come"), HasSubstr("rank 1 (b)")));
}

TEST_F(LivenessTest, AnAnnouncedFailureIsWrittenAtOnce) {
  const auto liveness = start();
  liveness->announce_failure("cannot read x");
  const MemberLine own = parse_member_line(lines->of(0));
  EXPECT_EQ(own.state, MemberLine::State::failed);
  EXPECT_EQ(own.message, "cannot read x");
}

TEST_F(LivenessTest, TheEndIsSaid) {
  start().reset();
  EXPECT_EQ(parse_member_line(lines->of(0)).state, MemberLine::State::left);
  lines->set(0, to_text({}));
  try {
    const auto liveness = start();
    throw std::runtime_error("unwinds");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(parse_member_line(lines->of(0)).state, MemberLine::State::failed);
}

TEST_F(LivenessTest, AProcessThatHangsIsEnded) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const auto liveness = start();
        const Liveness::Blocking blocking(*liveness);
        lines->set(1, to_text({MemberLine::State::failed, 1, 0, "disk full"}));
        std::this_thread::sleep_for(std::chrono::minutes(1));
      },
      testing::ExitedWithCode(kEnded), "");
}

// What waits on a GPU's queue is in no call of ours.
TEST_F(LivenessTest, AProcessWithQueuedWorkIsEndedUnlessItKnows) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const auto liveness = start(true);
        lines->set(1, to_text({MemberLine::State::failed, 1, 0, "disk full"}));
        std::this_thread::sleep_for(std::chrono::minutes(1));
      },
      testing::ExitedWithCode(kEnded), "");
  const auto liveness = start(true);
  lines->set(1, to_text({MemberLine::State::failed, 1, 0, "disk full"}));
  EXPECT_PILLAR_ERROR(liveness->fail_for("x"), ErrorCategory::io, HasSubstr("disk full"));
  std::this_thread::sleep_for(kQuick.blocked + milliseconds(500));  // alive
}

}  // namespace
}  // namespace pillar
