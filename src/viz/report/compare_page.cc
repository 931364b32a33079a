#include "pillar/viz/line_plot.h"

#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

std::string runs_section(const std::vector<ComparedRun>& runs) {
  std::string rows;
  for (const ComparedRun& run : runs) {
    const Interval& macro = run.macro_auroc;
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"words\">{}</td>{}{}<td class=\"scale\">{}</td><td "
        "class=\"words\">{}</td></tr>\n",
        escape_html(run.name), escape_html(run.kind), number_cell(macro.value, decimals(macro.value)),
        range_cell(range_text(macro)), interval_bar(macro, {}), escape_html(run.path.string()));
  }
  return fmt::format(
      "<section class=\"rows runs\">\n<h2>Runs</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      table_head({{"run", "words"},
                  {"kind", "words"},
                  {"macro AUROC", "number"},
                  {"interval", "plain"},
                  {scale_title("0", "0.5", "1"), "scale"},
                  {"folder", "words"}}),
      rows);
}

// The end of an axis around 0 that shows every interval: round, at least 0.05.
double axis_end(const RunComparison& comparison) {
  double most = 0;
  for (const QuestionComparison& row : comparison.questions) {
    for (const double value : {row.difference.value, row.difference.low, row.difference.high})
      if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  for (const double end : {0.05, 0.1, 0.2, 0.5})
    if (most <= end) return end;
  return 1;
}

std::string figures(const RunComparison& comparison) {
  const std::string html =
      figure("Macro AUROC difference", signed_decimals(comparison.difference.mean.value),
             signed_range_text(comparison.difference.mean)) +
      figure("Wins", fmt::format("<i class=\"win\">{}</i>", grouped(comparison.wins)), "interval above 0") +
      figure("Ties", grouped(comparison.ties), "interval around 0") +
      figure("Losses", fmt::format("<i class=\"loss\">{}</i>", grouped(comparison.losses)),
             "interval below 0") +
      figure("Questions", grouped(comparison.difference.questions), "with both classes");
  return fmt::format("<dl class=\"figures\">\n{}</dl>\n", html);
}

// A dot for each question: above the diagonal the run is better.
std::string scatter(const RunComparison& comparison) {
  LinePlot plot;
  plot.width = 340;
  plot.height = 320;
  plot.unit_square = true;
  plot.title = "AUROC of each question";
  plot.x_label = comparison.baseline;
  plot.y_label = comparison.run;
  plot.lines.push_back({"question", {}, {}, PlotDots::only});
  for (const QuestionComparison& row : comparison.questions) {
    plot.lines[0].x.push_back(row.baseline_auroc);
    plot.lines[0].y.push_back(row.auroc);
  }
  return line_plot_svg(plot);
}

// All differences, ascending, between the ends of their intervals.
std::string sorted_differences(const RunComparison& comparison) {
  std::vector<Interval> differences;
  for (const QuestionComparison& row : comparison.questions) {
    if (std::isfinite(row.difference.value)) differences.push_back(row.difference);
  }
  std::stable_sort(differences.begin(), differences.end(),
                   [](const Interval& a, const Interval& b) { return a.value < b.value; });
  LinePlot plot;
  plot.width = 760;
  plot.height = 300;
  plot.title = "AUROC difference, questions in ascending order";
  plot.x_label = "question";
  plot.lines = {{"interval", {}, {}, PlotDots::never}, {"difference", {}, {}, PlotDots::only}};
  for (std::size_t i = 0; i < differences.size(); ++i) {
    const auto place = static_cast<double>(i + 1);
    plot.lines[0].x.insert(plot.lines[0].x.end(), 3, place);
    for (const double end : {differences[i].low, differences[i].high, kUndefined})
      plot.lines[0].y.push_back(end);
    plot.lines[1].x.push_back(place);
    plot.lines[1].y.push_back(differences[i].value);
  }
  return line_plot_svg(plot);
}

std::string row_html(const QuestionComparison& row, const Ends& ends) {
  const char* verdict = to_string(row.verdict);
  return fmt::format(
      "<tr><td>{}</td><td class=\"words\">{}</td>{}{}{}{}{}{}<td class=\"scale\">{}</td><td "
      "class=\"{}\">{}</td>{}</tr>\n",
      escape_html(row.question), escape_html(row.category), count_cell(row.num_positive),
      count_cell(row.num_negative), number_cell(row.baseline_auroc, decimals(row.baseline_auroc)),
      number_cell(row.auroc, decimals(row.auroc)),
      number_cell(row.difference.value, signed_decimals(row.difference.value)),
      range_cell(signed_range_text(row.difference)), interval_bar(row.difference, ends, verdict), verdict,
      verdict,
      number_cell(row.delong.p, std::isfinite(row.delong.p) ? fmt::format("{:.2g}", row.delong.p) : "–"));
}

std::string table(const RunComparison& comparison) {
  const double end = axis_end(comparison);
  std::string rows;
  for (const QuestionComparison& row : comparison.questions) rows += row_html(row, {-end, end});
  const std::string head =
      table_head({{"question", "words"},
                  {"category", "words"},
                  {"yes", "number", "data-positives title=\"Positive test studies\""},
                  {"no", "number", "title=\"Negative test studies\""},
                  {"baseline", "number", "title=\"AUROC of the baseline\""},
                  {"run", "number", "title=\"AUROC of the run\""},
                  {"difference", "number", "data-mean=\"mean difference\""},
                  {"interval", "plain"},
                  {scale_title(fmt::format("−{:g}", end), "0", fmt::format("+{:g}", end)), "scale"},
                  {"verdict", "words"},
                  {"DeLong p", "number", "title=\"Two-sided, that there is no difference\""}});
  return fmt::format("{}<div class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n",
                     question_controls(), head, rows);
}

}  // namespace

PageBody compare_page(const Comparison& comparison) {
  PageBody body;
  std::string sections;
  for (const RunComparison& run : comparison.comparisons) {
    sections += fmt::format(
        "<section class=\"rows\">\n<h2>{} against {}</h2>\n{}<div "
        "class=\"against\">\n<div>{}</div>\n<div>{}</div>\n</div>\n{}</section>\n",
        escape_html(run.run), escape_html(run.baseline), figures(run), sorted_differences(run), scatter(run),
        table(run));
  }
  const std::size_t count = comparison.comparisons.size();
  body.about =
      fmt::format("{} {} against the baseline, question by question", count, count == 1 ? "run" : "runs");
  body.html = fmt::format(
      "<p class=\"note\">{} Differences are paired: every replicate draws the same studies for both "
      "runs.</p>\n{}{}",
      escape_html(bootstrap_text(comparison.bootstrap, comparison.unit, comparison.num_units)),
      runs_section(comparison.runs), sections);
  return body;
}

}  // namespace pillar::viz
