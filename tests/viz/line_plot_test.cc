#include "pillar/viz/line_plot.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/program.h"
#include "support/temp_dir.h"
#include "viz/plot/plot_layout.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LinePlot plot_of(std::vector<double> y) {
  LinePlot plot;
  plot.title = "Loss";
  plot.x_label = "step";
  PlotLine line = {"loss", {}, std::move(y)};
  for (std::size_t i = 0; i < line.y.size(); ++i) line.x.push_back(static_cast<double>(i));
  plot.lines.push_back(std::move(line));
  return plot;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void expect_xml(const std::string& svg) {
  TempDir dir;
  write_file_atomic(dir / "plot.svg", svg);
  const test::ProgramResult result = test::run_program(
      {"/usr/bin/python3", "-I", "-c", "import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])",
       (dir / "plot.svg").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err << svg;
}

TEST(LinePlot, ALineOfFewPointsHasDots) {
  const std::string svg = line_plot_svg(plot_of({3, 2, 1.5}));
  expect_xml(svg);
  EXPECT_EQ(count_of(svg, "<circle"), 3u);
  EXPECT_THAT(svg, HasSubstr("<title>loss: 1.5 (step 2)</title>"));
  EXPECT_THAT(svg, AllOf(HasSubstr(">Loss</text>"), HasSubstr(">step</text>"), HasSubstr(">2.5</text>")));
  EXPECT_THAT(svg, Not(HasSubstr("h22")));  // no legend
  EXPECT_EQ(count_of(svg, "text-anchor=\"middle\""), 4u) << "steps 0, 1 and 2, and what they are";
}

TEST(LinePlot, AGapBreaksTheLine) {
  const std::string svg = line_plot_svg(plot_of({1, 2, std::nan(""), 3, std::nan(""), 4, 5}));
  const std::size_t begin = svg.find("class=\"line ");
  const std::string path = svg.substr(begin, svg.find("/path", begin) - begin);
  EXPECT_EQ(count_of(path, "M"), 3u);
  EXPECT_EQ(count_of(path, "L"), 2u);
  EXPECT_EQ(count_of(svg, "<circle"), 5u);
}

TEST(LinePlot, ManyPointsAreReducedAndASpikeStays) {
  std::vector<double> y(200'000, 1);
  y[123'456] = 50;
  const std::string svg = line_plot_svg(plot_of(y));
  EXPECT_LT(svg.size(), 60'000u);
  EXPECT_THAT(svg, HasSubstr("spread"));
  EXPECT_THAT(svg, HasSubstr(">50</text>"));
  EXPECT_THAT(svg, HasSubstr(" 30.0"));  // the top of the area
}

TEST(LinePlot, TwoLinesHaveALegendBelow) {
  LinePlot plot = plot_of({1, 2});
  EXPECT_THAT(line_plot_svg(plot), HasSubstr("viewBox=\"0 0 640 280\""));
  for (int i = 0; i < 11; ++i) {
    plot.lines.push_back(plot.lines[0]);
    plot.lines.back().name = fmt::format("loss of a modality {}", i);
  }
  const std::string svg = line_plot_svg(plot);
  expect_xml(svg);
  EXPECT_EQ(count_of(svg, "h22"), 12u);
  EXPECT_THAT(svg, HasSubstr("loss of a modality 10</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("viewBox=\"0 0 640 280\"")));
}

TEST(LinePlot, AUnitSquareHasItsDiagonalAndNothingOutside) {
  LinePlot plot = plot_of({0.2, 1.5, 0.4, 0.6});
  plot.unit_square = true;
  plot.lines[0].x = {0, 0.5, 1, 1.2};
  plot.lines[0].dots = PlotDots::never;
  const std::string svg = line_plot_svg(plot);
  expect_xml(svg);
  EXPECT_EQ(count_of(svg, "class=\"diagonal\""), 1u);
  EXPECT_EQ(count_of(svg, "<circle"), 0u);
  EXPECT_EQ(count_of(svg, ">0.2</text>"), 2u) << "the same ticks on both axes";
  const std::size_t begin = svg.find("class=\"line ");
  const std::string path = svg.substr(begin, svg.find("/path", begin) - begin);
  EXPECT_EQ(count_of(path, "M"), 2u) << "a gap at y = 1.5, nothing at x = 1.2: " << path;
  EXPECT_EQ(count_of(path, "L"), 0u);
}

TEST(LinePlot, DotsOnlyAreNotJoined) {
  LinePlot plot = plot_of({1, 2, 3});
  plot.lines[0].dots = PlotDots::only;
  plot.lines.push_back({"other", {0, 1}, {1, 2}});
  const std::string svg = line_plot_svg(plot);
  expect_xml(svg);
  const std::size_t begin = svg.find("class=\"line c0 dots\"");
  const std::string path = svg.substr(begin, svg.find("/path", begin) - begin);
  EXPECT_EQ(count_of(path, "h0"), 3u);
  EXPECT_EQ(count_of(path, "L"), 0u);
  EXPECT_EQ(count_of(svg, "class=\"line c0 dots\""), 2u) << "in the plot and in the legend";
}

TEST(LinePlot, NamesAreOnlyText) {
  LinePlot plot = plot_of({1, 2});
  const std::string name = "<script>alert('\"&\x01')</script>";
  plot.title = plot.x_label = plot.y_label = plot.lines[0].name = name;
  plot.lines.push_back(plot.lines[0]);
  plot.lines[1].name = std::string(3000, 'n');
  const std::string svg = line_plot_svg(plot);
  expect_xml(svg);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("…"));
}

TEST(LinePlot, NothingToDrawIsAnEmptyPlot) {
  for (const bool log_y : {false, true}) {
    LinePlot plot = plot_of({std::nan(""), -std::numeric_limits<double>::infinity(), 1e300});
    plot.log_y = log_y;
    expect_xml(line_plot_svg(plot));
    plot.lines.clear();
    expect_xml(line_plot_svg(plot));
  }
}

TEST(LinePlot, ExtremeValuesStayInside) {
  for (const std::vector<double>& y : std::vector<std::vector<double>>{
           {-1e149, 1e149}, {1e-149, 2e-149}, {5, 5, 5}, {0, 0}, {1e9, 1e9 + 1}}) {
    for (const bool log_y : {false, true}) {
      LinePlot plot = plot_of(y);
      plot.log_y = log_y;
      const std::string svg = line_plot_svg(plot);
      expect_xml(svg);
      EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
    }
  }
}

TEST(LinePlot, SizesAndLengthsAreChecked) {
  LinePlot plot = plot_of({1, 2});
  plot.width = 10;
  EXPECT_PILLAR_ERROR(line_plot_svg(plot), ErrorCategory::usage, HasSubstr("10 x 280"));
  plot = plot_of({1, 2});
  plot.height = 100'000;
  EXPECT_PILLAR_ERROR(line_plot_svg(plot), ErrorCategory::usage, HasSubstr("100000"));
  plot = plot_of({1, 2});
  plot.lines[0].x.pop_back();
  EXPECT_PILLAR_ERROR(line_plot_svg(plot), ErrorCategory::usage, HasSubstr("1 x for 2 y"));
}

TEST(PlotLayout, LabelsHaveRoomSideBySide) {
  for (const int width : {200, 320, 640, 4000}) {
    for (const double first : {0.0, 99'990.0, 0.00001, -1e12}) {
      for (const double span : {1e-7, 0.37, 12.0, 24'000.0, 1e13}) {
        viz::Curve curve = {"a", {{first, 0.123456}, {first + span, 0.123457}}};
        LinePlot plot;
        plot.width = width;
        const viz::Layout layout = viz::layout_of(plot, {curve});
        ASSERT_LT(layout.left, layout.right);
        for (std::size_t i = 1; i < layout.x.ticks.size(); ++i) {
          const double gap =
              layout.across(layout.x.ticks[i].value) - layout.across(layout.x.ticks[i - 1].value);
          EXPECT_GE(gap, 7 * static_cast<double>(layout.x.ticks[i].label.size())) << width << " " << span;
        }
        for (std::size_t i = 1; i < layout.y.ticks.size(); ++i)
          EXPECT_GE(layout.down(layout.y.ticks[i - 1].value) - layout.down(layout.y.ticks[i].value), 14);
      }
    }
  }
}

TEST(Fitted, CutsAtALetter) {
  EXPECT_EQ(viz::fitted("short", 100), "short");
  EXPECT_EQ(viz::fitted("ééééé", 30), "ééé…");
  EXPECT_EQ(viz::fitted("long", 0), "…");
}

TEST(LinePlotStyle, HasBothColourSchemes) {
  EXPECT_THAT(std::string(line_plot_style()), HasSubstr("prefers-color-scheme: dark"));
}

}  // namespace
}  // namespace pillar
