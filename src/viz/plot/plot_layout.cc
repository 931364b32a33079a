#include "viz/plot/plot_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar::viz {
namespace {

constexpr double kLetter = 7.4;  // width of a letter, pixels: text cannot be measured here, so a wide one

constexpr int kSquareTicks = 5;

struct Range {
  bool whole = true;  // numbers
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    if (std::isnan(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
    whole = whole && value == std::floor(value);
  }
  bool empty() const { return low > high; }
};

double width_of(std::string_view text) {  // continuation bytes of UTF-8 take no room
  return kLetter * static_cast<double>(
                       std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Axis y_axis(Range range, bool log_y, int most) {
  if (range.empty()) range = {false, log_y ? 0.1 : 0.0, 1};
  if (log_y) return log_axis(range.low, range.high, most);
  // Shares and rates are read against 0 where that costs little of the height.
  if (range.low > 0 && range.low < 0.4 * range.high) range.low = 0;
  return linear_axis(range.low, range.high, most, true);
}

double widest_label(const Axis& axis) {
  double widest = 0;
  for (const Tick& tick : axis.ticks) widest = std::max(widest, width_of(tick.label));
  return widest;
}

// As many ticks as have room for their labels side by side.
Axis x_axis(Range range, double width) {
  if (range.empty()) range = {true, 0, 1};
  for (int most = static_cast<int>(width / 80);; --most) {
    Axis axis = linear_axis(range.low, range.high, std::max(1, most), false, range.whole ? 1 : 0);
    const double room = width / static_cast<double>(axis.ticks.size() + 1);
    if (most <= 1 || widest_label(axis) + 2 * kLetter < room) return axis;
  }
}

}  // namespace

std::string fitted(const std::string& text, double width) {
  if (width_of(text) <= width) return text;
  std::string kept = text;
  while (!kept.empty() && width_of(kept) > width - kLetter) {
    while ((kept.back() & 0xC0) == 0x80 && kept.size() > 1) kept.pop_back();
    kept.pop_back();
  }
  return kept + "…";
}

Layout layout_of(const LinePlot& plot, const std::vector<Curve>& curves) {
  Range x, y;
  for (const Curve& curve : curves) {
    for (const PlotPoint& point : curve.points) {
      x.take(point.x);
      y.take(point.y);
    }
  }
  Layout layout = {};
  layout.top = plot.title.empty() ? 10 : 30;
  layout.bottom = plot.height - (plot.x_label.empty() ? 24 : 24 + kTextRow);
  layout.y = plot.unit_square
                 ? linear_axis(0, 1, kSquareTicks, true)
                 : y_axis(y, plot.log_y, std::max(2, static_cast<int>((layout.bottom - layout.top) / 36)));
  layout.left = 10 + widest_label(layout.y) + (plot.y_label.empty() ? 0 : kTextRow);
  layout.x = plot.unit_square ? linear_axis(0, 1, kSquareTicks, true) : x_axis(x, plot.width - layout.left);
  layout.right = plot.width - std::max(12.0, widest_label(layout.x) / 2 + 2);
  return layout;
}

std::vector<LegendEntry> legend_of(const LinePlot& plot) {
  std::vector<LegendEntry> entries;
  if (plot.lines.size() < 2) return entries;
  double x = 4;
  int row = 0;
  for (const PlotLine& line : plot.lines) {
    const std::string text = fitted(line.name, plot.width - 60);
    const double width = 28 + width_of(text) + 14;
    if (x > 4 && x + width > plot.width) {
      x = 4;
      ++row;
    }
    entries.push_back({x, row, text});
    x += width;
  }
  return entries;
}

}  // namespace pillar::viz
