#include "world/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using State = MemberLine::State;

const MembershipClock::time_point kStart = MembershipClock::time_point() + seconds(1000);

MembershipClock::time_point at(int second) {
  return kStart + seconds(second);
}

// Three ranks as rank 1 sees them.
Membership three() {
  return Membership({"rank 0 (a)", "rank 1 (b)", "rank 2 (c)"}, 1, {}, kStart);
}

std::string alive(int beats, int calls = 0) {
  return to_text({State::alive, beats, calls, ""});
}

TEST(MemberLine, SurvivesTheStore) {
  const MemberLine entry{State::failed, 12, 34, "/data/a b.csv: line 3: x"};
  const MemberLine back = parse_member_line(to_text(entry));
  EXPECT_EQ(back.state, State::failed);
  EXPECT_EQ(back.beats, 12);
  EXPECT_EQ(back.calls, 34);
  EXPECT_EQ(back.message, entry.message);
  EXPECT_EQ(parse_member_line(to_text({State::left, 1, 2, ""})).message, "");
}

TEST(MemberLine, NonsenseIsALivingRank) {
  for (const char* text : {"", "F", "F x y z", "\xff\xfe", "F 99999999999999999999999 1 m"})
    EXPECT_EQ(parse_member_line(text).state, State::alive) << text;
}

TEST(Membership, AllIsWellWhileAllSpeak) {
  Membership membership = three();
  for (int second = 0; second < 200; second += 2) {
    membership.update({alive(second), alive(second), alive(second)}, at(second));
    EXPECT_FALSE(membership.culprit(at(second + 1), false));
    EXPECT_FALSE(membership.culprit(at(second + 1), true));
  }
}

TEST(Membership, SilenceNamesTheRank) {
  Membership membership = three();
  for (int second = 0; second <= 28; second += 2)
    membership.update({alive(second), alive(second), alive(5)}, at(second));
  EXPECT_FALSE(membership.culprit(at(29), false));
  EXPECT_THAT(membership.culprit(at(29), true).value_or(""),
              AllOf(HasSubstr("rank 2 (c)"), HasSubstr("28 s")));
  for (int second = 30; second <= 34; second += 2)
    membership.update({alive(second), alive(second), alive(5)}, at(second));
  EXPECT_THAT(membership.culprit(at(34), false).value_or(""), HasSubstr("rank 2 (c) is gone"));
}

TEST(Membership, AStoreThatHangsIsRankZerosSilence) {
  Membership membership = three();
  membership.update({alive(1), alive(1), alive(1)}, at(0));
  EXPECT_FALSE(membership.culprit(at(29), false));
  EXPECT_THAT(membership.culprit(at(31), false).value_or(""), HasSubstr("rank 0 (a) is gone"));
  membership.forgive(at(31));  // it was this process that did not run
  EXPECT_FALSE(membership.culprit(at(31), false));
}

// A machine that is busy elsewhere lets those who live fall silent too, for a shorter time.
TEST(Membership, OfSeveralSilentOnesTheFirstIsNamed) {
  Membership membership = three();
  for (int second = 2; second <= 20; second += 2)
    membership.update({alive(std::min(second, 4)), alive(second), alive(1)}, at(second));
  EXPECT_THAT(membership.culprit(at(20), true).value_or(""), HasSubstr("rank 2 (c) is gone"));
}

TEST(Membership, TwoSignsAfterAMomentSayThatARankLives) {
  Membership membership = three();
  membership.update({alive(2), alive(2), alive(2)}, at(9));
  membership.update({alive(3), alive(3), alive(3)}, at(11));  // rank 2's last sign, read after it died at 10
  membership.update({alive(4), alive(4), alive(3)}, at(30));
  EXPECT_TRUE(membership.all_live_since(at(8)));
  EXPECT_FALSE(membership.all_live_since(at(10)));
  membership.update({alive(5), alive(5), to_text({State::left, 3, 0, ""})}, at(32));
  EXPECT_TRUE(membership.all_live_since(at(10)));  // it has said that it ended
}

TEST(Membership, AStoreThatIsGoneIsRankZerosEnd) {
  Membership membership = three();
  membership.update({alive(1), alive(1), alive(1)}, at(0));
  membership.lose_store("connection reset");
  EXPECT_THAT(membership.culprit(at(0), false).value_or(""),
              AllOf(HasSubstr("rank 0 (a)"), HasSubstr("connection reset")));
  Membership ended = three();
  ended.update({to_text({State::left, 2, 0, ""}), alive(1), alive(1)}, at(0));
  ended.lose_store("connection reset");
  EXPECT_FALSE(ended.culprit(at(0), false));  // it had said goodbye
}

TEST(Membership, AFailureGoesBeforeSilence) {
  Membership membership = three();
  for (int second = 0; second <= 40; second += 2)
    membership.update({alive(1), alive(second), to_text({State::failed, 3, 0, "disk full"})}, at(second));
  EXPECT_EQ(membership.culprit(at(40), false).value_or(""), "rank 2 (c) failed: disk full");
}

TEST(Membership, WhoLeftBecauseOfAnotherIsBelieved) {
  Membership membership = three();
  membership.update({alive(1), alive(1), to_text({State::left, 3, 0, "rank 0 (a) is gone: x"})}, at(0));
  EXPECT_EQ(membership.culprit(at(0), false).value_or(""), "rank 0 (a) is gone: x");
}

TEST(Membership, AnOrdinaryEndIsAFaultOnlyWhereItBreaksSomething) {
  Membership membership = three();
  membership.update({alive(1), alive(1), to_text({State::left, 3, 0, ""})}, at(0));
  EXPECT_FALSE(membership.culprit(at(0), false));
  EXPECT_THAT(membership.culprit(at(0), true).value_or(""), HasSubstr("rank 2 (c) has ended"));
}

TEST(Membership, KnowsWhoIsBehindAndWhoIsGone) {
  Membership membership = three();
  membership.update({alive(1, 7), alive(1, 8), alive(1, 8)}, at(0));
  EXPECT_EQ(membership.behind(8), "rank 0 (a)");
  EXPECT_EQ(membership.behind(7), "");
  EXPECT_FALSE(membership.others_gone(at(1)));
  membership.update({to_text({State::left, 3, 0, ""}), alive(2), to_text({State::failed, 3, 0, "x"})}, at(2));
  EXPECT_TRUE(membership.others_gone(at(2)));
}

}  // namespace
}  // namespace pillar
