#include "windows/statistics.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>

namespace pillar::windows {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const StatisticsWanted kAll = {.extremes = true, .moments = true, .percents = {0, 2, 20, 50, 99, 100}};

// Against LibTorch in double.
void expect_statistics(const at::Tensor& voxels, int threads) {
  const Statistics found = statistics(voxels, kAll, threads);
  const at::Tensor exact = voxels.to(at::kDouble).flatten();
  EXPECT_EQ(found.min, exact.min().item<double>());
  EXPECT_EQ(found.max, exact.max().item<double>());
  const double mean = exact.mean().item<double>(), sd = exact.std().item<double>();
  EXPECT_NEAR(found.mean, mean, 1e-12 * (std::abs(mean) + sd));
  EXPECT_NEAR(found.sd, sd, 1e-11 * sd);
  ASSERT_EQ(found.percentiles.size(), kAll.percents.size());
  for (std::size_t i = 0; i < kAll.percents.size(); ++i) {
    EXPECT_NEAR(found.percentiles[i], at::quantile(exact, kAll.percents[i] / 100).item<double>(),
                1e-12 * (std::abs(mean) + sd))
        << kAll.percents[i];
  }
}

TEST(Statistics, OfEveryTypeEqualLibTorch) {
  for (const int threads : {1, 2, 5}) {
    expect_statistics(test::random_voxels(9, 40, 33, at::kShort, -1024, 3071, 1), threads);
    expect_statistics(test::random_voxels(9, 40, 33, at::kShort, -32768, 32767, 2), threads);
    expect_statistics(test::random_voxels(9, 40, 33, at::kUInt16, 0, 65535, 3), threads);
    expect_statistics(test::random_voxels(9, 40, 33, at::kFloat, -3, 5, 4), threads);
    expect_statistics(test::random_voxels(3, 170, 161, at::kFloat, 1e6, 1e6 + 1, 5), threads);
  }
}

TEST(Statistics, DoNotDependOnThreads) {
  const at::Tensor voxels = test::random_voxels(7, 150, 170, at::kFloat, -1000, 2000, 7);
  const Statistics one = statistics(voxels, kAll, 1), many = statistics(voxels, kAll, 7);
  EXPECT_EQ(one.mean, many.mean);
  EXPECT_EQ(one.sd, many.sd);
  EXPECT_EQ(one.percentiles, many.percentiles);
}

TEST(Statistics, OfOneVoxelAndOfOneValue) {
  for (const at::ScalarType dtype : {at::kShort, at::kUInt16, at::kFloat}) {
    for (const std::int64_t count : {1, 3, 1000}) {
      const Statistics found = statistics(at::full({count}, 7, dtype), kAll, 2);
      EXPECT_EQ(found.min, 7);
      EXPECT_EQ(found.max, 7);
      EXPECT_EQ(found.mean, 7);
      EXPECT_EQ(found.sd, 0);
      EXPECT_EQ(found.percentiles, std::vector<double>(kAll.percents.size(), 7));
    }
  }
}

TEST(Statistics, OnlyWhatIsWanted) {
  const Statistics extremes =
      statistics(at::arange(1, 6, at::kShort), {.extremes = true, .moments = false, .percents = {}}, 1);
  EXPECT_EQ(extremes.max, 5);
  EXPECT_EQ(extremes.mean, 0);
  EXPECT_TRUE(extremes.percentiles.empty());
}

TEST(Statistics, NotFiniteIsRefusedWhereverItIs) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    for (const std::int64_t place : {0, 500, 9999}) {
      at::Tensor voxels = at::zeros({10000});
      voxels[place] = bad;
      for (const StatisticsWanted& wanted : {kAll, StatisticsWanted()}) {
        EXPECT_PILLAR_ERROR(
            statistics(voxels, wanted, 2), ErrorCategory::input,
            AllOf(HasSubstr(fmt::format("voxel {} of 10000", place)), HasSubstr(fmt::format("{}", bad))));
      }
    }
  }
  EXPECT_EQ(statistics(at::full({5}, std::numeric_limits<float>::max()), kAll, 1).max,
            std::numeric_limits<float>::max());
}

TEST(Statistics, OtherTypesAreRefused) {
  EXPECT_PILLAR_ERROR(statistics(at::zeros({5}, at::kInt), kAll, 1), ErrorCategory::input, HasSubstr("Int"));
}

}  // namespace
}  // namespace pillar::windows
