#include "pillar/data/epoch_order.h"

#include "support/expect_error.h"

#include <limits>
#include <map>
#include <numeric>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

BatchShape shape(std::int64_t batch, std::int64_t micro, std::int64_t rank = 0, std::int64_t world = 1) {
  return {batch, micro, rank, world, false};
}

TEST(EpochOrder, IsTheSameOnEveryMachine) {
  EXPECT_THAT(epoch_permutation(8, 1, 0), ElementsAre(7, 4, 3, 0, 2, 5, 6, 1));
  EXPECT_THAT(epoch_permutation(8, 1, 1), ElementsAre(2, 5, 7, 1, 3, 4, 6, 0));
}

TEST(EpochOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  std::vector<std::int64_t> sorted = epoch_permutation(1000, 5, 3);
  EXPECT_NE(sorted, epoch_permutation(1000, 5, 4));
  EXPECT_NE(sorted, epoch_permutation(1000, 6, 3));
  EXPECT_EQ(sorted, epoch_permutation(1000, 5, 3));
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(sorted, all);
  EXPECT_TRUE(epoch_permutation(0, 5, 3).empty());
  EXPECT_PILLAR_ERROR(epoch_permutation(-1, 5, 3), ErrorCategory::usage, HasSubstr("-1 studies"));
}

// Each study comes to each place about equally often: within five standard deviations.
TEST(EpochOrder, FavoursNoPlace) {
  constexpr std::size_t kCount = 7;
  constexpr int kEpochs = 7000;
  int places[kCount][kCount] = {};
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<std::int64_t> order = epoch_permutation(kCount, 11, epoch);
    for (std::size_t i = 0; i < kCount; ++i) ++places[i][order[i]];
  }
  for (const auto& place : places) {
    for (const int times : place) EXPECT_NEAR(times, kEpochs / kCount, 5 * 30);
  }
}

TEST(EpochOrder, CountsStepsAndTheirPositions) {
  EXPECT_EQ(steps_per_epoch(10, shape(4, 2)), 3);
  EXPECT_EQ(steps_per_epoch(8, shape(4, 2)), 2);
  EXPECT_EQ(steps_per_epoch(3, shape(4, 2)), 1) << "a pool smaller than a batch is one batch";
  BatchShape dropping = shape(4, 2);
  dropping.drop_last = true;
  EXPECT_EQ(steps_per_epoch(11, dropping), 2);
  EXPECT_EQ(steps_per_epoch(3, dropping), 1);
  EXPECT_EQ(step_range(3, dropping, 0).end, 3);
  BatchShape joining = shape(4, 2);
  joining.join_single = true;
  EXPECT_EQ(steps_per_epoch(9, joining), 2) << "one study alone is no batch";
  EXPECT_EQ(step_range(9, joining, 1).end, 9);
  EXPECT_EQ(steps_per_epoch(10, joining), 3);
  EXPECT_EQ(steps_per_epoch(1, joining), 1);
  EXPECT_EQ(step_range(1, joining, 0).end, 1);
  EXPECT_EQ(step_range(10, shape(4, 2), 1).begin, 4);
  EXPECT_EQ(step_range(10, shape(4, 2), 2).begin, 8);
  EXPECT_EQ(step_range(10, shape(4, 2), 2).end, 10);
}

// What each rank takes of a step, one line a micro-batch.
std::vector<std::vector<std::string>> taken(std::int64_t count, std::int64_t micro, std::int64_t world) {
  std::vector<std::vector<std::string>> ranks;
  for (std::int64_t rank = 0; rank < world; ++rank) {
    ranks.emplace_back();
    for (const MicroRange& m : micro_ranges({100, 100 + count}, shape(count, micro, rank, world)))
      ranks.back().push_back(std::to_string(m.index) + ":" + std::to_string(m.begin) + "-" +
                             std::to_string(m.end));
  }
  return ranks;
}

TEST(EpochOrder, RanksTakeConsecutiveMicroBatches) {
  EXPECT_THAT(taken(8, 2, 2),
              ElementsAre(ElementsAre("0:100-102", "1:102-104"), ElementsAre("2:104-106", "3:106-108")));
  EXPECT_THAT(taken(5, 2, 2), ElementsAre(ElementsAre("0:100-102", "1:102-104"), ElementsAre("2:104-105")));
  EXPECT_THAT(taken(3, 2, 3), ElementsAre(ElementsAre("0:100-102"), ElementsAre("1:102-103"), ElementsAre()));
}

TEST(EpochOrder, RanksTogetherTakeTheSameMicroBatchesWhateverTheWorld) {
  for (const std::int64_t micro : {1, 2, 3, 5}) {
    for (const std::int64_t count : {1, 2, 7, 8, 16, 23}) {
      const std::vector<std::string> alone = taken(count, micro, 1).front();
      for (const std::int64_t world : {2, 3, 4, 7}) {
        std::vector<std::string> together;
        std::size_t most = 0, least = alone.size();
        for (const auto& rank : taken(count, micro, world)) {
          together.insert(together.end(), rank.begin(), rank.end());
          most = std::max(most, rank.size());
          least = std::min(least, rank.size());
        }
        EXPECT_EQ(together, alone) << count << " by " << micro << " on " << world;
        EXPECT_LE(most - least, 1u);
      }
    }
  }
}

TEST(EpochOrder, AnEpochsStepsTakeEveryPositionOnce) {
  for (const std::int64_t world : {1, 2, 3, 4}) {
    std::vector<std::int64_t> seen;
    for (std::int64_t step = 0; step < steps_per_epoch(29, shape(8, 3)); ++step) {
      for (std::int64_t rank = 0; rank < world; ++rank) {
        const BatchShape s = shape(8, 3, rank, world);
        for (const MicroRange& m : micro_ranges(step_range(29, s, step), s)) {
          for (std::int64_t i = m.begin; i < m.end; ++i) seen.push_back(i);
        }
      }
    }
    std::vector<std::int64_t> all(29);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(seen, all) << world;
  }
}

TEST(EpochOrder, SizesThatMakeNoSenseAreRefused) {
  EXPECT_PILLAR_ERROR(steps_per_epoch(0, shape(4, 2)), ErrorCategory::usage, HasSubstr("no studies"));
  EXPECT_PILLAR_ERROR(steps_per_epoch(5, shape(0, 2)), ErrorCategory::usage, HasSubstr("batch of 0"));
  EXPECT_PILLAR_ERROR(steps_per_epoch(5, shape(4, -1)), ErrorCategory::usage,
                      HasSubstr("micro-batches of -1"));
  EXPECT_PILLAR_ERROR(steps_per_epoch(5, shape(4, 2, 2, 2)), ErrorCategory::usage, HasSubstr("rank 2"));
  EXPECT_PILLAR_ERROR(steps_per_epoch(5, shape(4, 2, 0, 0)), ErrorCategory::usage, HasSubstr("world of 0"));
  EXPECT_PILLAR_ERROR(step_range(10, shape(4, 2), 3), ErrorCategory::usage,
                      HasSubstr("step 3 of an epoch of 3"));
  EXPECT_PILLAR_ERROR(step_range(10, shape(4, 2), -1), ErrorCategory::usage, HasSubstr("step -1"));
}

TEST(WeightedOrder, DrawsInProportionAndNeverAWeightOfZero) {
  std::vector<double> weights(1000, 0);
  weights[0] = 1;
  weights[500] = 3;
  weights[998] = 6;  // the last has none
  std::map<std::int64_t, int> counts;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<std::int64_t> order = weighted_order(weights, 7, epoch);
    ASSERT_EQ(order.size(), weights.size());
    for (const std::int64_t study : order) ++counts[study];
  }
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_NEAR(counts[0], 2000, 215);  // five standard deviations
  EXPECT_NEAR(counts[500], 6000, 325);
  EXPECT_NEAR(counts[998], 12000, 350);
}

TEST(WeightedOrder, IsAFunctionOfSeedAndEpoch) {
  const std::vector<double> weights = {0.5, 2, 1, 1, 3, 0.25, 1, 8};
  EXPECT_EQ(weighted_order(weights, 5, 2), weighted_order(weights, 5, 2));
  EXPECT_NE(weighted_order(weights, 5, 2), weighted_order(weights, 5, 3));
  EXPECT_NE(weighted_order(weights, 5, 2), weighted_order(weights, 6, 2));
  const std::vector<double> doubled = {1, 4, 2, 2, 6, 0.5, 2, 16};
  EXPECT_EQ(weighted_order(weights, 5, 2), weighted_order(doubled, 5, 2)) << "only ratios count";
}

TEST(WeightedOrder, WeightsThatMakeNoSenseAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), huge = std::numeric_limits<double>::max();
  EXPECT_PILLAR_ERROR(weighted_order({1, nan}, 0, 0), ErrorCategory::usage, HasSubstr("study 1"));
  EXPECT_PILLAR_ERROR(weighted_order({-1, 2}, 0, 0), ErrorCategory::usage, HasSubstr("study 0"));
  EXPECT_PILLAR_ERROR(weighted_order({0, 0}, 0, 0), ErrorCategory::usage, HasSubstr("add up to 0"));
  EXPECT_PILLAR_ERROR(weighted_order({}, 0, 0), ErrorCategory::usage, HasSubstr("0 studies"));
  EXPECT_PILLAR_ERROR(weighted_order({huge, huge}, 0, 0), ErrorCategory::usage, HasSubstr("inf"));
}

}  // namespace
}  // namespace pillar
