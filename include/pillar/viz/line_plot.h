// Line plots as SVG text that stands in an HTML page without any script.
#pragma once

#include <string>
#include <vector>

namespace pillar {

struct PlotLine {
  std::string name;
  std::vector<double> x, y;  // NaN in y: a gap
};

struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<PlotLine> lines;
  bool log_y = false;
  int width = 640, height = 280;  // pixels
};

// Axes with round ticks, a legend where there are two lines or more, at most ~2000 points a line (more are
// reduced to minimum and maximum of each column, so that a spike stays visible).
std::string line_plot_svg(const LinePlot& plot);

}  // namespace pillar
