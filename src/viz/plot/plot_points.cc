#include "viz/plot/plot_points.h"

#include "pillar/core/fail.h"

#include "viz/plot/plot_axis.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar::viz {
namespace {

// Those of one column, which hold at least one point.
void add_column(std::span<const PlotPoint> column, DrawnLine& line) {
  const PlotPoint *lowest = nullptr, *highest = nullptr;
  PlotPoint sum = {0, 0};
  double count = 0;
  for (const PlotPoint& point : column) {
    if (std::isnan(point.y)) continue;
    if (lowest == nullptr || point.y < lowest->y) lowest = &point;
    if (highest == nullptr || point.y > highest->y) highest = &point;
    sum = {sum.x + point.x, sum.y + point.y};
    ++count;
  }
  if (lowest == nullptr) {
    line.points.push_back(column.front());
    line.means.push_back(column.front());
    return;
  }
  line.points.push_back(*std::min(lowest, highest));
  if (lowest != highest) line.points.push_back(*std::max(lowest, highest));
  line.means.push_back({sum.x / count, sum.y / count});
}

}  // namespace

std::vector<PlotPoint> plottable_points(const PlotLine& line, bool log_y, bool unit_square) {
  if (line.x.size() != line.y.size())
    fail(ErrorCategory::usage, "plot line {}: {} x for {} y", line.name, line.x.size(), line.y.size());
  const auto outside = [&](double value) { return unit_square && !(value >= 0 && value <= 1); };
  std::vector<PlotPoint> points;
  points.reserve(line.x.size());
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    const double x = plottable(line.x[i]), y = plottable(line.y[i]);
    if (std::isnan(x) || outside(x)) continue;
    const bool gap = (log_y && y <= 0) || outside(y);
    points.push_back({x, gap ? std::numeric_limits<double>::quiet_NaN() : y});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
  return points;
}

DrawnLine reduced(std::vector<PlotPoint> points, double low, double high, int columns) {
  if (points.size() <= 2 * static_cast<std::size_t>(columns)) return {std::move(points), {}};
  const auto column_of = [&](const PlotPoint& point) {
    return std::clamp(static_cast<int>((point.x - low) / (high - low) * columns), 0, columns - 1);
  };
  DrawnLine line;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    while (end < points.size() && column_of(points[end]) == column_of(points[begin])) ++end;
    add_column(std::span(points).subspan(begin, end - begin), line);
  }
  return line;
}

}  // namespace pillar::viz
