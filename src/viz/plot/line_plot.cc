#include "pillar/viz/line_plot.h"

#include "pillar/core/fail.h"

#include "viz/plot/plot_layout.h"
#include "viz/viewer/text_encoding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

using viz::Curve, viz::DrawnLine, viz::Layout, viz::LegendEntry, viz::PlotPoint;
using viz::escape_html, viz::fitted, viz::kTextRow;

constexpr std::size_t kMostDots = 60;
constexpr std::size_t kMostDashed = 400;  // dashes of denser lines would only be noise
constexpr std::size_t kColours = 6;

// Colours of Okabe and Ito, which colour-blind readers can tell apart, darkened or lightened to stand out.
constexpr std::string_view kStyle = R"(
.line-plot {
  --text: #3f4754; --grid: #e3e6ea;
  --c0: #0072b2; --c1: #d55e00; --c2: #00875f; --c3: #b0568c; --c4: #b07a00; --c5: #4d5561;
  display: block; width: 100%; height: auto;
}
@media screen and (prefers-color-scheme: dark) {
  .line-plot {
    --text: #b4bdca; --grid: #2a323e;
    --c0: #56b4e9; --c1: #ff8f45; --c2: #2fc795; --c3: #e59cc8; --c4: #f0c04a; --c5: #c3cad4;
  }
}
.line-plot text { font: 12px system-ui, sans-serif; fill: var(--text); }
.line-plot .title { font-size: 14px; font-weight: 600; }
.line-plot .grid { stroke: var(--grid); }
.line-plot .line { fill: none; stroke-width: 1.3; stroke-linejoin: round; stroke-linecap: round; }
.line-plot .c0 { stroke: var(--c0); } .line-plot .c1 { stroke: var(--c1); } .line-plot .c2 { stroke: var(--c2); }
.line-plot .c3 { stroke: var(--c3); } .line-plot .c4 { stroke: var(--c4); } .line-plot .c5 { stroke: var(--c5); }
.line-plot circle.c0 { fill: var(--c0); } .line-plot circle.c1 { fill: var(--c1); } .line-plot circle.c2 { fill: var(--c2); }
.line-plot circle.c3 { fill: var(--c3); } .line-plot circle.c4 { fill: var(--c4); } .line-plot circle.c5 { fill: var(--c5); }
.line-plot .spread { stroke-width: 1; opacity: 0.35; }
.line-plot .diagonal { stroke: var(--grid); stroke-width: 1.5; stroke-dasharray: 5 4; }
.line-plot .dots { stroke-width: 5; opacity: 0.7; }
.line-plot .dash1 { stroke-dasharray: 7 4; }
.line-plot .dash2 { stroke-dasharray: 1.5 4; }
)";

std::string text_element(double x, double y, std::string_view anchor, std::string_view text,
                         std::string_view more = {}) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escape_html(text));
}

std::string axes_svg(const LinePlot& plot, const Layout& layout) {
  std::string svg, grid = fmt::format("M{:.1f} {:.1f}H{:.1f}", layout.left, layout.bottom, layout.right);
  for (const viz::Tick& tick : layout.y.ticks) {
    const double y = layout.down(tick.value);
    grid += fmt::format("M{:.1f} {:.1f}H{:.1f}", layout.left, y, layout.right);
    svg += text_element(layout.left - 6, y + 4, "end", tick.label);
  }
  for (const viz::Tick& tick : layout.x.ticks) {
    const double x = layout.across(tick.value);
    grid += fmt::format("M{:.1f} {:.1f}v4", x, layout.bottom);
    svg += text_element(x, layout.bottom + 17, "middle", tick.label);
  }
  svg += fmt::format("<path class=\"grid\" d=\"{}\"/>\n", grid);
  if (plot.unit_square) {
    svg += fmt::format("<path class=\"diagonal\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", layout.left,
                       layout.bottom, layout.right, layout.top);
  }
  const double middle = (layout.top + layout.bottom) / 2;
  if (!plot.title.empty())
    svg += text_element(4, 17, "start", fitted(plot.title, plot.width / 1.2), " class=\"title\"");
  if (!plot.x_label.empty()) {
    svg += text_element((layout.left + layout.right) / 2, layout.bottom + 17 + kTextRow, "middle",
                        fitted(plot.x_label, layout.right - layout.left));
  }
  if (!plot.y_label.empty()) {
    svg += text_element(14, middle, "middle", fitted(plot.y_label, layout.bottom - layout.top),
                        fmt::format(" transform=\"rotate(-90 14 {:.1f})\"", middle));
  }
  return svg;
}

// A move to the first point after each gap, lines to the others. A point alone, drawn with round ends, is a
// dot; where they are not `joined`, each is.
std::string path_data(const std::vector<PlotPoint>& points, const Layout& layout, bool joined = true) {
  std::string data;
  bool in_line = false;
  for (const PlotPoint& point : points) {
    if (std::isnan(point.y)) {
      in_line = false;
      continue;
    }
    data += fmt::format("{}{:.1f} {:.1f}", in_line ? "L" : "M", layout.across(point.x), layout.down(point.y));
    if (!in_line) data += "h0";
    in_line = joined;
  }
  return data;
}

// By a line's index: six colours, then dashes too.
std::string classes(std::size_t index, bool dashes) {
  const std::size_t dash = index / 3 % 3;
  return fmt::format("c{}{}", index % kColours, dashes && dash > 0 ? fmt::format(" dash{}", dash) : "");
}

std::string path_svg(const std::string& classes, const std::vector<PlotPoint>& points, const Layout& layout,
                     const std::string& name, bool joined = true) {
  return fmt::format("<path class=\"line {}\" d=\"{}\"><title>{}</title></path>\n", classes,
                     path_data(points, layout, joined), escape_html(name));
}

std::string dots_svg(const LinePlot& plot, const std::vector<PlotPoint>& points, const Layout& layout,
                     const std::string& name, const std::string& classes) {
  std::string svg;
  for (const PlotPoint& point : points) {
    if (std::isnan(point.y)) continue;
    svg += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.2\">", classes,
                       layout.across(point.x), layout.down(point.y));
    svg += fmt::format("<title>{}: {:.5g} ({} {:.10g})</title></circle>\n", escape_html(name), point.y,
                       escape_html(plot.x_label), point.x);
  }
  return svg;
}

std::string curve_svg(const LinePlot& plot, const Curve& curve, std::size_t index, const Layout& layout) {
  const PlotDots dots = plot.lines[index].dots;
  if (dots == PlotDots::only)
    return path_svg(fmt::format("{} dots", classes(index, false)), curve.points, layout, curve.name, false);
  const int columns = std::min(1000, static_cast<int>(layout.right - layout.left));
  const DrawnLine line = viz::reduced(curve.points, layout.x.low, layout.x.high, columns);
  if (!line.means.empty()) {
    const std::string colour = classes(index, false);
    return path_svg(fmt::format("{} spread", colour), line.points, layout, curve.name) +
           path_svg(colour, line.means, layout, curve.name);
  }
  std::string svg =
      path_svg(classes(index, line.points.size() <= kMostDashed), line.points, layout, curve.name);
  if (dots == PlotDots::few && line.points.size() <= kMostDots)
    svg += dots_svg(plot, line.points, layout, curve.name, classes(index, false));
  return svg;
}

std::string legend_svg(const LinePlot& plot, const std::vector<LegendEntry>& legend) {
  std::string svg;
  for (std::size_t i = 0; i < legend.size(); ++i) {
    const double y = plot.height + 12 + kTextRow * legend[i].row;
    const bool dots = plot.lines[i].dots == PlotDots::only;
    svg += fmt::format("<path class=\"line {}{}\" d=\"M{:.1f} {:.1f}h{}\"/>\n", classes(i, !dots),
                       dots ? " dots" : "", legend[i].x + (dots ? 11 : 0), y - 4, dots ? 0 : 22);
    svg += text_element(legend[i].x + 28, y, "start", legend[i].text);
  }
  return svg;
}

void check(const LinePlot& plot) {
  if (plot.width < 200 || plot.width > 4000 || plot.height < 120 || plot.height > 4000)
    fail(ErrorCategory::usage, "a plot of {} x {} pixels: 200 x 120 to 4000 x 4000 can be drawn", plot.width,
         plot.height);
}

}  // namespace

std::string_view line_plot_style() {
  return kStyle;
}

std::string line_plot_svg(const LinePlot& plot) {
  check(plot);
  std::vector<Curve> curves;
  for (const PlotLine& line : plot.lines)
    curves.push_back({line.name, viz::plottable_points(line, plot.log_y, plot.unit_square)});
  const Layout layout = viz::layout_of(plot, curves);
  const std::vector<LegendEntry> legend = viz::legend_of(plot);
  const int height = plot.height + (legend.empty() ? 0 : kTextRow * (legend.back().row + 1) + 4);

  std::string svg = fmt::format(
      "<svg class=\"line-plot\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\" "
      "xmlns=\"http://www.w3.org/2000/svg\">\n",
      escape_html(plot.title), plot.width, height);
  svg += axes_svg(plot, layout);
  for (std::size_t i = 0; i < curves.size(); ++i) svg += curve_svg(plot, curves[i], i, layout);
  return svg + legend_svg(plot, legend) + "</svg>\n";
}

}  // namespace pillar
