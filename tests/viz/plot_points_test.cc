#include "viz/plot/plot_points.h"

#include "support/expect_error.h"

#include <cmath>
#include <limits>

namespace pillar::viz {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(PlottablePoints, AreSortedAndFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<PlotPoint> points =
      plottable_points({"a", {3, 1, kNan, 2, infinity, 4}, {30, 10, 1, infinity, 1, -5}}, false);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].y, 10);
  EXPECT_TRUE(std::isnan(points[1].y));
  EXPECT_EQ(points[2].x, 3);
  EXPECT_EQ(points[3].y, -5);
  EXPECT_TRUE(std::isnan(plottable_points({"a", {1}, {0}}, true)[0].y));
  EXPECT_PILLAR_ERROR(plottable_points({"some line", {1, 2}, {0}}, true), ErrorCategory::usage,
                      HasSubstr("some line"));
}

TEST(Reduced, FewPointsStayAsTheyAre) {
  const DrawnLine line = reduced({{0, 1}, {1, kNan}, {2, 3}, {3, 4}}, 0, 3, 2);
  EXPECT_EQ(line.points.size(), 4u);
  EXPECT_TRUE(line.means.empty());
}

TEST(Reduced, EveryColumnKeepsItsExtremesAndMean) {
  std::vector<PlotPoint> points;
  for (int i = 0; i < 100'000; ++i) points.push_back({static_cast<double>(i), std::sin(i * 0.001)});
  points[54'321].y = 99;
  points[54'322].y = -99;
  const DrawnLine line = reduced(points, 0, 99'999, 500);
  EXPECT_LE(line.points.size(), 1000u);
  EXPECT_EQ(line.means.size(), 500u);
  const auto lower = [](const PlotPoint& a, const PlotPoint& b) { return a.y < b.y; };
  const auto lowest = std::min_element(line.points.begin(), line.points.end(), lower);
  const auto highest = std::max_element(line.points.begin(), line.points.end(), lower);
  EXPECT_EQ(lowest->x, 54'322);
  EXPECT_EQ(highest->x, 54'321);
  EXPECT_EQ(lowest, highest + 1);  // in the order of the run
  for (const PlotPoint& mean : line.means) EXPECT_NEAR(mean.y, std::sin(mean.x * 0.001), 0.01);
}

TEST(Reduced, AColumnOfNothingIsAGap) {
  std::vector<PlotPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({static_cast<double>(i), i >= 500 && i < 600 ? kNan : 1});
  const DrawnLine line = reduced(points, 0, 999, 10);
  ASSERT_EQ(line.means.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(std::isnan(line.means[i].y), i == 5) << i;
}

}  // namespace
}  // namespace pillar::viz
