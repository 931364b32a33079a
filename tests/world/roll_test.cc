#include "world/roll.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using State = RollEntry::State;

const RollClock::time_point kStart = RollClock::time_point() + seconds(1000);

RollClock::time_point at(int second) {
  return kStart + seconds(second);
}

// Three ranks as rank 1 sees them.
Roll three() {
  return Roll({"rank 0 (a)", "rank 1 (b)", "rank 2 (c)"}, 1, {}, kStart);
}

std::string alive(int beats, int calls = 0) {
  return to_text({State::alive, beats, calls, ""});
}

TEST(RollEntry, SurvivesTheStore) {
  const RollEntry entry{State::failed, 12, 34, "/data/a b.csv: line 3: x"};
  const RollEntry back = parse_roll_entry(to_text(entry));
  EXPECT_EQ(back.state, State::failed);
  EXPECT_EQ(back.beats, 12);
  EXPECT_EQ(back.calls, 34);
  EXPECT_EQ(back.message, entry.message);
  EXPECT_EQ(parse_roll_entry(to_text({State::left, 1, 2, ""})).message, "");
}

TEST(RollEntry, NonsenseIsALivingRank) {
  for (const char* text : {"", "F", "F x y z", "\xff\xfe", "F 99999999999999999999999 1 m"})
    EXPECT_EQ(parse_roll_entry(text).state, State::alive) << text;
}

TEST(Roll, AllIsWellWhileAllSpeak) {
  Roll roll = three();
  for (int second = 0; second < 200; second += 2) {
    roll.update({alive(second), alive(second), alive(second)}, at(second));
    EXPECT_FALSE(roll.culprit(at(second + 1), false));
    EXPECT_FALSE(roll.culprit(at(second + 1), true));
  }
}

TEST(Roll, SilenceNamesTheRank) {
  Roll roll = three();
  for (int second = 0; second <= 28; second += 2)
    roll.update({alive(second), alive(second), alive(5)}, at(second));
  EXPECT_FALSE(roll.culprit(at(29), false));
  EXPECT_THAT(roll.culprit(at(29), true).value_or(""), AllOf(HasSubstr("rank 2 (c)"), HasSubstr("28 s")));
  for (int second = 30; second <= 34; second += 2)
    roll.update({alive(second), alive(second), alive(5)}, at(second));
  EXPECT_THAT(roll.culprit(at(34), false).value_or(""), HasSubstr("rank 2 (c) is gone"));
}

TEST(Roll, AStoreThatHangsIsRankZerosSilence) {
  Roll roll = three();
  roll.update({alive(1), alive(1), alive(1)}, at(0));
  EXPECT_FALSE(roll.culprit(at(29), false));
  EXPECT_THAT(roll.culprit(at(31), false).value_or(""), HasSubstr("rank 0 (a) is gone"));
  roll.forgive(at(31));  // it was this process that did not run
  EXPECT_FALSE(roll.culprit(at(31), false));
}

TEST(Roll, AStoreThatIsGoneIsRankZerosEnd) {
  Roll roll = three();
  roll.update({alive(1), alive(1), alive(1)}, at(0));
  roll.lose_store("connection reset");
  EXPECT_THAT(roll.culprit(at(0), false).value_or(""),
              AllOf(HasSubstr("rank 0 (a)"), HasSubstr("connection reset")));
  Roll ended = three();
  ended.update({to_text({State::left, 2, 0, ""}), alive(1), alive(1)}, at(0));
  ended.lose_store("connection reset");
  EXPECT_FALSE(ended.culprit(at(0), false));  // it had said goodbye
}

TEST(Roll, AFailureGoesBeforeSilence) {
  Roll roll = three();
  for (int second = 0; second <= 40; second += 2)
    roll.update({alive(1), alive(second), to_text({State::failed, 3, 0, "disk full"})}, at(second));
  EXPECT_EQ(roll.culprit(at(40), false).value_or(""), "rank 2 (c) failed: disk full");
}

TEST(Roll, WhoLeftBecauseOfAnotherIsBelieved) {
  Roll roll = three();
  roll.update({alive(1), alive(1), to_text({State::left, 3, 0, "rank 0 (a) is gone: x"})}, at(0));
  EXPECT_EQ(roll.culprit(at(0), false).value_or(""), "rank 0 (a) is gone: x");
}

TEST(Roll, AnOrdinaryEndIsAFaultOnlyWhereItBreaksSomething) {
  Roll roll = three();
  roll.update({alive(1), alive(1), to_text({State::left, 3, 0, ""})}, at(0));
  EXPECT_FALSE(roll.culprit(at(0), false));
  EXPECT_THAT(roll.culprit(at(0), true).value_or(""), HasSubstr("rank 2 (c) has ended"));
}

TEST(Roll, KnowsWhoIsBehindAndWhoIsGone) {
  Roll roll = three();
  roll.update({alive(1, 7), alive(1, 8), alive(1, 8)}, at(0));
  EXPECT_EQ(roll.behind(8), "rank 0 (a)");
  EXPECT_EQ(roll.behind(7), "");
  EXPECT_FALSE(roll.others_gone(at(1)));
  roll.update({to_text({State::left, 3, 0, ""}), alive(2), to_text({State::failed, 3, 0, "x"})}, at(2));
  EXPECT_TRUE(roll.others_gone(at(2)));
}

}  // namespace
}  // namespace pillar
