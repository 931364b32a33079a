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
