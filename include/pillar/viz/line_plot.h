// Line plots as SVG text that stands in an HTML page without any script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pillar {

enum class PlotDots {
  few,    // at each point of a line of few, with a tooltip
  never,  // the line alone
  only,   // no line: a scatter
};

struct PlotLine {
  std::string name;
  std::vector<double> x, y;  // of one length, in any order; what is not finite in either is a gap
  PlotDots dots = PlotDots::few;
};

struct LinePlot {
  std::string title, x_label, y_label;  // any text, empty too
  std::vector<PlotLine> lines;
  bool log_y = false;             // values of 0 and below are gaps then
  bool unit_square = false;       // both axes from 0 to 1, and the diagonal; what lies outside is a gap
  int width = 640, height = 280;  // pixels, 200 to 4000 and 120 to 4000; a legend adds rows to the height
};

// Axes with round ticks, a legend where there are two lines or more, at most ~2000 points a line: more are
// reduced to minimum and maximum of each column, pale, so that a spike stays visible, and their mean. Throws
// Error(usage) on lengths or sizes as they must not be.
std::string line_plot_svg(const LinePlot& plot);

// CSS that a page with such plots must hold once: their colours, by prefers-color-scheme.
std::string_view line_plot_style();

}  // namespace pillar
