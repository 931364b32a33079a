// Internal: where everything in a plot goes, in pixels.
#pragma once

#include "pillar/viz/line_plot.h"

#include "viz/plot/plot_axis.h"
#include "viz/plot/plot_points.h"

#include <string>
#include <vector>

namespace pillar::viz {

constexpr int kTextRow = 18;

struct Curve {
  std::string name;
  std::vector<PlotPoint> points;
};

struct Layout {
  Axis x, y;
  double left, right, top, bottom;  // of the area that lines are drawn in
  double across(double value) const { return left + x.place(value) * (right - left); }
  double down(double value) const { return bottom - y.place(value) * (bottom - top); }
};

Layout layout_of(const LinePlot& plot, const std::vector<Curve>& curves);

struct LegendEntry {
  double x;
  int row;
  std::string text;
};

std::vector<LegendEntry> legend_of(const LinePlot& plot);  // none for a single line

// Cut at a letter, with "...", where it would be wider than that.
std::string fitted(const std::string& text, double width);

}  // namespace pillar::viz
