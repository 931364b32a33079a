#include "windows/order_statistics.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace pillar::windows {
namespace {

void expect_ranks(std::vector<float> values) {
  std::vector<std::uint64_t> ranks(values.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  std::shuffle(ranks.begin(), ranks.end(), std::mt19937(3));
  ranks.resize(std::min<std::size_t>(ranks.size(), 40));
  std::vector<float> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  for (const int threads : {1, 3}) {
    const std::vector<float> found =
        values_at_ranks(values.data(), static_cast<std::int64_t>(values.size()), ranks, threads);
    ASSERT_EQ(found.size(), ranks.size());
    for (std::size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(found[i], sorted[ranks[i]]) << ranks[i];
  }
}

TEST(OrderStatistics, FloatsEqualTheSortedOnes) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1e3f);
  std::vector<float> values(5000);
  for (float& value : values) value = normal(random);
  expect_ranks(values);
  for (float& value : values) value = std::round(value / 500) * 500;  // many ties
  expect_ranks(values);
  expect_ranks({1e-45f, -1e-45f, 0.0f, -0.0f, std::numeric_limits<float>::max(),
                std::numeric_limits<float>::lowest()});
  expect_ranks({5});
}

TEST(OrderStatistics, KeysAscendWithValues) {
  const std::vector<float> floats = {std::numeric_limits<float>::lowest(), -1, -1e-45f, 0, 1e-45f, 1,
                                     std::numeric_limits<float>::max()};
  for (std::size_t i = 1; i < floats.size(); ++i) EXPECT_LT(key_of(floats[i - 1]), key_of(floats[i]));
  for (const float value : floats) EXPECT_EQ(value_of_float_key(key_of(value)), value);
  EXPECT_EQ(key_of(std::int16_t{-32768}), 0);
  EXPECT_EQ(key_of(std::int16_t{32767}), 65535);
  EXPECT_EQ(key_of(std::uint16_t{65535}), 65535);
}

TEST(OrderStatistics, KeyAtRank) {
  Histogram histogram(kKeys, 0);
  histogram[3] = 2;
  histogram[65535] = 1;
  EXPECT_EQ(key_at_rank(histogram, 0).key, 3);
  EXPECT_EQ(key_at_rank(histogram, 1).key, 3);
  EXPECT_EQ(key_at_rank(histogram, 1).rank_within, 1u);
  EXPECT_EQ(key_at_rank(histogram, 2).key, 65535);
  EXPECT_EQ(key_at_rank(histogram, 2).rank_within, 0u);
}

TEST(OrderStatistics, PercentileRanks) {
  const PercentileRank middle = percentile_rank(50, 4);
  EXPECT_EQ(middle.below, 1u);
  EXPECT_EQ(middle.above, 2u);
  EXPECT_DOUBLE_EQ(middle.fraction, 0.5);
  EXPECT_EQ(percentile_rank(100, 4).below, 3u);
  EXPECT_EQ(percentile_rank(100, 4).above, 3u);
  EXPECT_EQ(percentile_rank(99, 1).above, 0u);
}

}  // namespace
}  // namespace pillar::windows
