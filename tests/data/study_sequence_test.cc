#include "data/loader/study_sequence.h"

#include "support/expect_error.h"

#include <thread>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::int64_t> studies_of(const StudySequence& sequence) {
  std::vector<std::int64_t> studies;
  for (std::int64_t i = 0; i < sequence.size(); ++i) studies.push_back(sequence.place(i).study);
  return studies;
}

TEST(StudySequence, GoesThroughAnEpochsPermutationAndOnToTheNext) {
  const StudySequence sequence(5, {2, 1, 0, 1, false}, 7, true, 0, 6);  // steps of 2, 2 and 1
  std::vector<std::int64_t> both = epoch_permutation(5, 7, 0);
  const std::vector<std::int64_t> second = epoch_permutation(5, 7, 1);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(studies_of(sequence), both);
  EXPECT_EQ(sequence.place(4).step, 2);
  EXPECT_EQ(sequence.place(5).step, 3);
  EXPECT_EQ(sequence.place(5).epoch, 1);
  EXPECT_EQ(sequence.place(8).micro.index, 1);
  EXPECT_EQ(sequence.place(8).slot(), 0u);
  EXPECT_EQ(sequence.epoch_of(3), 1);
  EXPECT_EQ(studies_of(StudySequence(5, {2, 1, 0, 1, false}, 7, false, 0, 3)),
            (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST(StudySequence, BeginsInTheMiddle) {
  const BatchShape shape = {4, 3, 0, 1, false};
  const StudySequence whole(10, shape, 7, true, 0, 9), rest(10, shape, 7, true, 4, 9);
  ASSERT_EQ(whole.size(), 30);
  ASSERT_EQ(rest.size(), 30 - 14);
  for (std::int64_t i = 0; i < rest.size(); ++i) {
    EXPECT_EQ(rest.place(i).study, whole.place(i + 14).study);
    EXPECT_EQ(rest.place(i).step, whole.place(i + 14).step);
    EXPECT_EQ(rest.place(i).slot(), whole.place(i + 14).slot());
  }
}

// A run that goes on with the same studies has the same places, bit for bit what it would have had.
TEST(StudySequence, GoesOnWithTheRestOfAnEpoch) {
  const BatchShape shape = {4, 3, 0, 1, false};
  for (const std::vector<double>& weights : {std::vector<double>(), std::vector<double>(10, 1.0)}) {
    const StudySequence whole(10, shape, 7, true, 0, 9, weights);  // epochs of three steps
    for (std::int64_t step = 1; step < 9; ++step) {
      const EpochStart start = whole.start_at(step);
      EXPECT_EQ(start.epoch, step / 3);
      EXPECT_EQ(start.position, step % 3 * 4);
      const StudySequence on(10, shape, 7, true, step, 9, weights, start);
      const std::int64_t before = whole.size() - on.size();
      for (std::int64_t i = 0; i < on.size(); ++i) {
        const StudyPlace a = on.place(i), b = whole.place(i + before);
        EXPECT_EQ(a.study, b.study);
        EXPECT_EQ(a.step, b.step);
        EXPECT_EQ(a.epoch, b.epoch);
        EXPECT_EQ(a.position, b.position);
        EXPECT_EQ(a.slot(), b.slot());
      }
      EXPECT_EQ(on.start_at(8).rest, whole.start_at(8).rest);
    }
  }
}

// An epoch that has lost or won studies is as long as it takes, and the next begins after it.
TEST(StudySequence, AnEpochThatChangedIsAsLongAsItTakes) {
  const BatchShape shape = {4, 3, 0, 1, false};
  const EpochStart start{5, 1, 8, {3, 0, 6, 1, 4}};  // two steps of five studies that are left
  const StudySequence sequence(9, shape, 7, true, 5, 10, {}, start);  // then three steps an epoch
  std::vector<std::int64_t> expected = start.rest;
  const std::vector<std::int64_t> next = epoch_permutation(9, 7, 2);
  expected.insert(expected.end(), next.begin(), next.end());
  EXPECT_EQ(studies_of(sequence), expected);
  EXPECT_EQ(sequence.place(4).step, 6);
  EXPECT_EQ(sequence.place(4).epoch, 1);
  EXPECT_EQ(sequence.place(4).position, 12);
  EXPECT_EQ(sequence.place(5).step, 7);
  EXPECT_EQ(sequence.place(5).epoch, 2);
  EXPECT_EQ(sequence.epoch_of(10), 3);
  EXPECT_THAT(sequence.start_at(6).rest, ElementsAre(4));
  EXPECT_EQ(sequence.start_at(7).position, 0);
  EXPECT_PILLAR_ERROR(StudySequence(9, shape, 7, true, 4, 10, {}, start), ErrorCategory::usage,
                      HasSubstr("step 4 comes before 5"));
}

TEST(StudySequence, RanksShareTheStepsAndOneMayHaveNothing) {
  // Steps of 4 and 1 studies, one a micro-batch, three ranks: 2 + 1 + 1, then 1 + 0 + 0.
  const auto of_rank = [](std::int64_t rank) {
    return StudySequence(5, {4, 1, rank, 3, false}, 7, false, 0, 4).size();
  };
  EXPECT_EQ(of_rank(0), 6);
  EXPECT_EQ(of_rank(1), 2);
  EXPECT_EQ(StudySequence(5, {4, 1, 1, 3, false}, 7, false, 0, 4).place(1).step, 2);
  const StudySequence idle(3, {3, 3, 1, 2, false}, 7, true, 0, 8);
  EXPECT_EQ(idle.size(), 0);
  EXPECT_TRUE(idle.micros_of(5).empty());
}

TEST(StudySequence, ManyEpochsAtOnceGiveTheSame) {
  const StudySequence sequence(3, {3, 1, 0, 1, false}, 7, true, 0, 400);
  std::vector<std::vector<std::int64_t>> seen(3);
  {
    std::vector<std::jthread> threads;
    for (auto& studies : seen) {
      threads.emplace_back([&] {
        for (std::int64_t i = 0; i < 1200; ++i) studies.push_back(sequence.place((i * 607) % 1200).study);
      });
    }
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_EQ(seen[0][1], sequence.place(607).study);
}

TEST(StudySequence, StepsThatMakeNoSenseAreRefused) {
  const BatchShape shape = {4, 2, 0, 1, false};
  EXPECT_PILLAR_ERROR(StudySequence(5, shape, 7, true, -1, 3), ErrorCategory::usage,
                      HasSubstr("steps -1 to 3"));
  EXPECT_PILLAR_ERROR(StudySequence(5, shape, 7, true, 3, 2), ErrorCategory::usage,
                      HasSubstr("steps 3 to 2"));
  EXPECT_PILLAR_ERROR(StudySequence(5, shape, 7, true, 0, INT64_MAX), ErrorCategory::usage,
                      HasSubstr("more than can be counted"));
  EXPECT_PILLAR_ERROR(StudySequence(0, shape, 7, true, 0, 3), ErrorCategory::usage, HasSubstr("no studies"));
}

}  // namespace
}  // namespace pillar
