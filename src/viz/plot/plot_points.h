// Internal: the points of a plot's line.
#pragma once

#include "pillar/viz/line_plot.h"

#include <vector>

namespace pillar::viz {

struct PlotPoint {
  double x = 0, y = 0;  // NaN in y: a gap
};

// By x; those without a place on the axis are left out (x) or gaps (y).
std::vector<PlotPoint> plottable_points(const PlotLine& line, bool log_y, bool unit_square = false);

// What is drawn of a line.
struct DrawnLine {
  std::vector<PlotPoint> points;
  std::vector<PlotPoint> means;  // of the columns; empty where all points are drawn
};

// Lines of more than 2 x `columns` points become the lowest and the highest of each of that many equal parts
// of [low, high], and the mean of each; a part with nothing but gaps remains one.
DrawnLine reduced(std::vector<PlotPoint> points, double low, double high, int columns);

}  // namespace pillar::viz
