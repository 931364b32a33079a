#include "pillar/viz/line_plot.h"

#include "viz/report/pages.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>

namespace pillar::viz {
namespace {

struct ComparedQuestion {
  std::string question, category, verdict;
  std::int64_t positives = 0, negatives = 0;
  double baseline = kUndefined, run = kUndefined;
  Interval difference;
};

struct Comparison {
  std::string run, baseline;
  Interval macro;
  std::int64_t questions = 0, wins = 0, ties = 0, losses = 0;
  std::vector<ComparedQuestion> rows;
};

ComparedQuestion read_row(const JsonPlace& place) {
  ComparedQuestion row;
  row.question = place.text("question");
  row.category = place.has("category") ? place.text("category") : "";
  row.verdict = place.text("verdict");
  if (row.verdict != "win" && row.verdict != "tie" && row.verdict != "loss")
    place.at("verdict").refuse("win, tie or loss");
  row.positives = place.whole("num_positive");
  row.negatives = place.whole("num_negative");
  row.baseline = place.number("baseline_auroc");
  row.run = place.number("auroc");
  row.difference = read_interval(place, "difference");
  return row;
}

Comparison read_comparison(const JsonPlace& place) {
  Comparison comparison;
  comparison.run = place.text("run");
  comparison.baseline = place.text("baseline");
  comparison.macro = read_interval(place.at("macro"), "difference");
  comparison.questions = place.at("macro").whole("questions");
  comparison.wins = place.whole("wins");
  comparison.ties = place.whole("ties");
  comparison.losses = place.whole("losses");
  for (const JsonPlace& row : place.at("questions").items()) comparison.rows.push_back(read_row(row));
  return comparison;
}

std::string runs_section(const JsonPlace& runs) {
  std::string rows;
  for (const JsonPlace& run : runs.items()) {
    const Interval macro = read_interval(run.at("macro_auroc"));
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"words\">{}</td>{}{}<td class=\"scale\">{}</td><td "
        "class=\"words\">{}</td></tr>\n",
        escape_html(run.text("name")), escape_html(run.text("kind")),
        number_cell(macro.value, decimals(macro.value)), range_cell(range_text(macro)),
        interval_bar(macro, {}), escape_html(run.text("path")));
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
double axis_end(const Comparison& comparison) {
  double most = 0;
  for (const ComparedQuestion& row : comparison.rows) {
    for (const double value : {row.difference.value, row.difference.low, row.difference.high})
      if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  for (const double end : {0.05, 0.1, 0.2, 0.5})
    if (most <= end) return end;
  return 1;
}

std::string figures(const Comparison& comparison) {
  const std::string html =
      figure("Macro AUROC difference", signed_decimals(comparison.macro.value),
             signed_range_text(comparison.macro)) +
      figure("Wins", fmt::format("<i class=\"win\">{}</i>", grouped(comparison.wins)), "interval above 0") +
      figure("Ties", grouped(comparison.ties), "interval around 0") +
      figure("Losses", fmt::format("<i class=\"loss\">{}</i>", grouped(comparison.losses)),
             "interval below 0") +
      figure("Questions", grouped(comparison.questions), "with both classes");
  return fmt::format("<dl class=\"figures\">\n{}</dl>\n", html);
}

// A dot for each question: above the diagonal the run is better.
std::string scatter(const Comparison& comparison) {
  LinePlot plot;
  plot.width = 340;
  plot.height = 320;
  plot.unit_square = true;
  plot.title = "AUROC of each question";
  plot.x_label = comparison.baseline;
  plot.y_label = comparison.run;
  plot.lines.push_back({"question", {}, {}, PlotDots::only});
  for (const ComparedQuestion& row : comparison.rows) {
    plot.lines[0].x.push_back(row.baseline);
    plot.lines[0].y.push_back(row.run);
  }
  return line_plot_svg(plot);
}

// All differences, ascending, between the ends of their intervals.
std::string sorted_differences(const Comparison& comparison) {
  std::vector<Interval> differences;
  for (const ComparedQuestion& row : comparison.rows) {
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

std::string row_html(const ComparedQuestion& row, const Ends& ends) {
  return fmt::format(
      "<tr><td>{}</td><td class=\"words\">{}</td>{}{}{}{}{}{}<td class=\"scale\">{}</td><td "
      "class=\"{}\">{}</td></tr>\n",
      escape_html(row.question), escape_html(row.category), count_cell(row.positives),
      count_cell(row.negatives), number_cell(row.baseline, decimals(row.baseline)),
      number_cell(row.run, decimals(row.run)),
      number_cell(row.difference.value, signed_decimals(row.difference.value)),
      range_cell(signed_range_text(row.difference)), interval_bar(row.difference, ends, row.verdict),
      row.verdict, row.verdict);
}

std::string table(const Comparison& comparison) {
  const double end = axis_end(comparison);
  std::string rows;
  for (const ComparedQuestion& row : comparison.rows) rows += row_html(row, {-end, end});
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
                  {"verdict", "words"}});
  return fmt::format("{}<div class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n",
                     question_controls(), head, rows);
}

}  // namespace

PageBody compare_page(const JsonPlace& metrics) {
  PageBody body;
  std::string sections;
  std::size_t comparisons = 0;
  for (const JsonPlace& place : metrics.at("comparisons").items()) {
    const Comparison comparison = read_comparison(place);
    sections += fmt::format(
        "<section class=\"rows\">\n<h2>{} against {}</h2>\n{}<div "
        "class=\"against\">\n<div>{}</div>\n<div>{}</div>\n</div>\n{}</section>\n",
        escape_html(comparison.run), escape_html(comparison.baseline), figures(comparison),
        sorted_differences(comparison), scatter(comparison), table(comparison));
    ++comparisons;
  }
  body.about = fmt::format("{} {} against the baseline, question by question", comparisons,
                           comparisons == 1 ? "run" : "runs");
  body.html = fmt::format(
      "<p class=\"note\">{} Differences are paired: every replicate draws the same studies for both "
      "runs.</p>\n{}{}",
      escape_html(bootstrap_text(metrics)), runs_section(metrics.at("runs")), sections);
  return body;
}

}  // namespace pillar::viz
