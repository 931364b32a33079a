#include "pillar/metrics/bootstrap.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace pillar {
namespace {

using ::testing::HasSubstr;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

TEST(Bootstrap, DrawsDependOnSeedAndReplicateOnly) {
  EXPECT_EQ(drawn_units(7, 3, 100), drawn_units(7, 3, 100));
  EXPECT_NE(drawn_units(7, 3, 100), drawn_units(7, 4, 100));
  EXPECT_NE(drawn_units(7, 3, 100), drawn_units(8, 3, 100));
  EXPECT_TRUE(drawn_units(0, 0, 0).empty());
  EXPECT_EQ(drawn_units(1, 1, 1), std::vector<std::uint32_t>{0});
}

TEST(Bootstrap, DrawsAreEven) {
  constexpr std::int64_t kUnits = 10, kReplicates = 20000;
  std::vector<double> counts(kUnits);
  for (std::int64_t r = 0; r < kReplicates; ++r)
    for (const std::uint32_t unit : drawn_units(5, r, kUnits)) ++counts.at(unit);
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - kReplicates) * (count - kReplicates) / kReplicates;
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom, p = 0.001
  EXPECT_GT(chi_square, 1.15);
  // Of n draws from n units, a share of 1 - 1/e is there.
  const std::vector<std::uint32_t> many = drawn_units(1, 0, 20000);
  EXPECT_NEAR(static_cast<double>(std::set(many.begin(), many.end()).size()) / 20000, 1 - std::exp(-1), 0.01);
}

TEST(Bootstrap, PercentilesAsOrderStatistics) {
  std::vector<double> replicates(101);
  std::iota(replicates.rbegin(), replicates.rend(), 0.0);
  const Interval interval = percentile_interval(42, replicates, 0.9);
  EXPECT_EQ(interval.value, 42);
  EXPECT_NEAR(interval.low, 5, 1e-12);
  EXPECT_NEAR(interval.high, 95, 1e-12);
  const Interval between = percentile_interval(0, std::vector<double>{1, kNotANumber, 2}, 0.5);
  EXPECT_NEAR(between.low, 1.25, 1e-12);
  EXPECT_NEAR(between.high, 1.75, 1e-12);
}

TEST(Bootstrap, WithoutReplicatesThereIsNoInterval) {
  for (const std::vector<double>& replicates :
       {std::vector<double>{}, std::vector<double>{kNotANumber, kNotANumber}}) {
    const Interval interval = percentile_interval(0.5, replicates, 0.95);
    EXPECT_EQ(interval.value, 0.5);
    EXPECT_TRUE(std::isnan(interval.low));
    EXPECT_TRUE(std::isnan(interval.high));
  }
  EXPECT_TRUE(std::isnan(percentile_interval(kNotANumber, std::vector<double>{1, 2}, 0.95).low));
}

TEST(Bootstrap, RefusesOptionsThatMakeNoSense) {
  const auto with = [](auto&& change) {
    BootstrapOptions options;
    change(options);
    return options;
  };
  check_bootstrap_options({});
  check_bootstrap_options(with([](BootstrapOptions& o) { o.replicates = 0; }));
  EXPECT_PILLAR_ERROR(check_bootstrap_options(with([](BootstrapOptions& o) { o.replicates = -1; })),
                      ErrorCategory::usage, HasSubstr("-1 bootstrap replicates"));
  EXPECT_PILLAR_ERROR(check_bootstrap_options(with([](BootstrapOptions& o) { o.replicates = 100'001; })),
                      ErrorCategory::usage, HasSubstr("100001 bootstrap replicates"));
  for (const double confidence : {0.0, 1.0, 95.0, kNotANumber}) {
    EXPECT_PILLAR_ERROR(
        check_bootstrap_options(with([&](BootstrapOptions& o) { o.confidence = confidence; })),
        ErrorCategory::usage, HasSubstr("confidence"));
  }
  EXPECT_PILLAR_ERROR(check_bootstrap_options(with([](BootstrapOptions& o) { o.threads = -1; })),
                      ErrorCategory::usage, HasSubstr("-1 threads"));
  EXPECT_PILLAR_ERROR(drawn_units(0, 0, -1), ErrorCategory::usage, HasSubstr("-1 units"));
}

}  // namespace
}  // namespace pillar
