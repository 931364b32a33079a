#include "viz/plot/plot_axis.h"

#include <cmath>
#include <limits>
#include <set>

#include <gmock/gmock.h>

namespace pillar::viz {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> all;
  for (const Tick& tick : axis.ticks) all.push_back(tick.label);
  return all;
}

double number_of(const std::string& label) {
  std::size_t used = 0;
  const double number = std::stod(label, &used);
  const std::string unit = label.substr(used);
  return number * (unit == "k" ? 1e3 : unit == "M" ? 1e6 : unit == "G" ? 1e9 : 1);
}

TEST(LinearAxis, TicksAreRound) {
  EXPECT_THAT(labels(linear_axis(0, 10, 5, false)), ElementsAre("0", "2", "4", "6", "8", "10"));
  EXPECT_THAT(labels(linear_axis(0.13, 0.92, 4, true)), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(linear_axis(0, 24'000, 5, false)), ElementsAre("0", "5k", "10k", "15k", "20k"));
  EXPECT_THAT(labels(linear_axis(0, 2e-4, 4, true)),
              ElementsAre("0", "0.5e-4", "1.0e-4", "1.5e-4", "2.0e-4"));
  EXPECT_THAT(labels(linear_axis(-3, 3.5, 4, true)), ElementsAre("-4", "-2", "0", "2", "4"));
  EXPECT_THAT(labels(linear_axis(0, 3e7, 3, true)), ElementsAre("0", "10M", "20M", "30M"));
}

TEST(LinearAxis, WithoutASpanItIsWidened) {
  for (const double value : {0.0, 1e-5, 3.0, -7e6}) {
    const Axis axis = linear_axis(value, value, 5, true);
    EXPECT_LT(axis.low, axis.high);
    EXPECT_GE(axis.place(value), 0);
    EXPECT_LE(axis.place(value), 1);
    EXPECT_GE(axis.ticks.size(), 2u);
  }
}

// Whatever the values, labels say where their ticks are and can be told apart.
TEST(LinearAxis, LabelsAreTheTicksOfAnyRange) {
  for (int exponent = -149; exponent < 150; exponent += 2) {
    for (const double low : {-1.0, -0.31, 0.0, 0.4, 0.99, 0.9999}) {
      const double unit = std::pow(10.0, exponent);
      const Axis axis = linear_axis(low * unit, 1.037 * unit, 6, exponent % 4 == 0);
      EXPECT_LE(axis.ticks.size(), 9u);
      EXPECT_GE(axis.ticks.size(), 2u);
      std::set<std::string> seen;
      for (const Tick& tick : axis.ticks) {
        EXPECT_TRUE(seen.insert(tick.label).second) << tick.label;
        EXPECT_NEAR(number_of(tick.label), tick.value, 1e-9 * (axis.high - axis.low)) << tick.label;
        EXPECT_GE(axis.place(tick.value), -1e-6);
        EXPECT_LE(axis.place(tick.value), 1 + 1e-6);
        EXPECT_LE(tick.label.size(), 12u) << tick.label;
      }
    }
  }
}

TEST(LogAxis, TicksArePowersOfTenOrBetween) {
  EXPECT_THAT(labels(log_axis(0.1, 5000, 6)), ElementsAre("0.1", "1", "10", "100", "1000"));
  EXPECT_THAT(labels(log_axis(1, 30, 6)), ElementsAre("1", "2", "5", "10", "20"));
  EXPECT_THAT(labels(log_axis(3, 9, 6)), ElementsAre("3", "4", "5", "6", "7", "8", "9"));
  EXPECT_THAT(labels(log_axis(1e-9, 1e6, 5)), ElementsAre("1e-9", "1e-6", "0.001", "1", "1000", "1e6"));
  EXPECT_DOUBLE_EQ(log_axis(1, 100, 5).place(10), 0.5);
  const Axis flat = log_axis(4, 4, 5);
  EXPECT_NEAR(flat.place(4), 0.5, 1e-9);
  EXPECT_GE(flat.ticks.size(), 1u);
}

TEST(Plottable, LeavesRoomToCalculate) {
  EXPECT_TRUE(std::isnan(plottable(std::nan(""))));
  EXPECT_TRUE(std::isnan(plottable(-std::numeric_limits<double>::infinity())));
  EXPECT_TRUE(std::isnan(plottable(1e200)));
  EXPECT_EQ(plottable(-1e-200), 0);
  EXPECT_EQ(plottable(-2.5), -2.5);
}

}  // namespace
}  // namespace pillar::viz
