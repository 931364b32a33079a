#include "viz/pages.h"
#include "viz/probe_metrics.h"
#include "viz/question_detail.h"
#include "viz/report_parts.h"
#include "viz/text_encoding.h"

#include <cmath>

namespace pillar::viz {
namespace {

constexpr double kStripWidth = 400;

std::string macro_figure(const char* name, const MacroMetric& macro) {
  const std::string range = range_text(macro.interval);
  return figure(name, decimals(macro.interval.value),
                range.empty() ? fmt::format("{} questions", grouped(macro.questions)) : range);
}

std::string figures(const ProbeMetrics& probe) {
  std::string html = macro_figure("Macro AUROC", probe.auroc) +
                     macro_figure("Average precision", probe.average_precision) +
                     macro_figure("Sensitivity at 90 % specificity", probe.sensitivity);
  if (std::isfinite(probe.brier.interval.value)) html += macro_figure("Brier score", probe.brier);
  if (std::isfinite(probe.calibration_error.interval.value))
    html += macro_figure("Calibration error", probe.calibration_error);
  html += figure(
      "Questions", grouped(probe.evaluated),
      fmt::format("of {} with both classes", grouped(static_cast<std::int64_t>(probe.questions.size()))));
  html += figure(
      "Test studies", grouped(probe.test),
      probe.train > 0 ? fmt::format("{} train, {} valid", grouped(probe.train), grouped(probe.valid)) : "");
  return fmt::format("<dl class=\"figures\">\n{}</dl>\n", html);
}

// A pale dot for each question, the category's mean and its interval.
std::string strip(const ProbeMetrics& probe, const CategoryMetrics& category) {
  const Ends ends;
  std::string svg =
      "<svg class=\"bar strip\" viewBox=\"0 0 400 18\" preserveAspectRatio=\"none\" aria-hidden=\"true\">";
  for (const QuestionMetrics& question : probe.questions) {
    if (question.category != category.name || !std::isfinite(question.auroc.value)) continue;
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"9\" r=\"3.5\"/>",
                       ends.place(question.auroc.value, kStripWidth));
  }
  const Interval& mean = category.auroc;
  const auto place = [&](double value) { return ends.place(value, kStripWidth); };
  if (std::isfinite(mean.low) && std::isfinite(mean.high))
    svg += fmt::format("<path d=\"M{:.1f} 9H{:.1f}\"/>", place(mean.low), place(mean.high));
  if (std::isfinite(mean.value))
    svg += fmt::format("<path class=\"macro\" d=\"M{:.1f} 1v16\"/>", place(mean.value));
  return svg + "</svg>";
}

std::string categories_section(const ProbeMetrics& probe) {
  if (probe.categories.empty()) return {};
  std::string rows;
  for (const CategoryMetrics& category : probe.categories) {
    rows += fmt::format(
        "<tr><td>{}</td>{}{}{}<td class=\"wide\">{}</td>{}{}</tr>\n",
        category.name.empty() ? "no category" : escape_html(category.name), count_cell(category.questions),
        number_cell(category.auroc.value, decimals(category.auroc.value)),
        range_cell(range_text(category.auroc)), strip(probe, category),
        number_cell(category.average_precision.value, decimals(category.average_precision.value)),
        range_cell(range_text(category.average_precision)));
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>By category</h2>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      table_head({{"category", "words"},
                  {"questions", "number"},
                  {"AUROC", "number"},
                  {"interval", "plain"},
                  {fmt::format("each question{}", scale_title("0", "0.5", "1")), "wide"},
                  {"AP", "number"},
                  {"interval", "plain"}}),
      rows);
}

std::string question_row(const QuestionMetrics& question, std::size_t index) {
  return fmt::format(
      "<tr><td><a href=\"#q{}\">{}</a></td><td class=\"words\">{}</td>{}{}{}{}<td "
      "class=\"scale\">{}</td>{}{}{}{}</tr>\n",
      index, escape_html(question.question), escape_html(question.category), count_cell(question.positives),
      count_cell(question.negatives), number_cell(question.auroc.value, decimals(question.auroc.value)),
      range_cell(range_text(question.auroc)), interval_bar(question.auroc, {}),
      number_cell(question.average_precision.value, decimals(question.average_precision.value)),
      number_cell(question.sensitivity, decimals(question.sensitivity)),
      number_cell(question.brier, decimals(question.brier)),
      number_cell(question.calibration_error, decimals(question.calibration_error)));
}

std::string questions_section(const ProbeMetrics& probe) {
  std::string rows;
  for (std::size_t i = 0; i < probe.questions.size(); ++i) rows += question_row(probe.questions[i], i);
  const std::string head =
      table_head({{"question", "words"},
                  {"category", "words"},
                  {"yes", "number", "data-positives title=\"Positive test studies\""},
                  {"no", "number", "title=\"Negative test studies\""},
                  {"AUROC", "number", "data-mean=\"mean AUROC\" title=\"Area under the ROC curve\""},
                  {"interval", "plain"},
                  {scale_title("0", "0.5", "1"), "scale"},
                  {"AP", "number", "title=\"Average precision\""},
                  {"Sens. at 90 %", "number", "title=\"Sensitivity at 90 % specificity\""},
                  {"Brier", "number", "title=\"Brier score\""},
                  {"ECE", "number", "title=\"Expected calibration error, ten bins\""}});
  return fmt::format(
      "<section class=\"rows\">\n<h2>Questions</h2>\n{}<div class=\"scroll\"><table class=\"dense\" "
      "id=\"questions\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      question_controls(), head, rows);
}

std::string details_section(const ProbeMetrics& probe, const RunFolder& folder) {
  std::string html = "<section class=\"list\">\n<h2>Each question, closer</h2>\n";
  for (std::size_t i = 0; i < probe.questions.size(); ++i) {
    const QuestionMetrics& question = probe.questions[i];
    html += fmt::format(
        "<details><summary>{} <span>AUROC {} {}</span></summary>\n<div class=\"closer\" "
        "id=\"q{}\">\n{}</div></details>\n",
        escape_html(question.question), decimals(question.auroc.value), range_text(question.auroc), i,
        question_detail(question, folder));
  }
  return html + "</section>\n";
}

// What a zero-shot run without labels has.
std::string bare_questions(const ProbeMetrics& probe) {
  std::string items;
  for (const QuestionMetrics& question : probe.questions)
    items += fmt::format("<li>{}</li>\n", escape_html(question.question));
  return fmt::format(
      "<p class=\"note\">Scores without labels: nothing to hold them "
      "against.</p>\n<section>\n<h2>Questions</h2>\n<ol>\n{}</ol>\n</section>\n",
      items);
}

}  // namespace

std::string question_controls() {
  return "<div class=\"controls\" hidden>\n"
         "<label>Filter <input type=\"search\" placeholder=\"question or category\"></label>\n"
         "<label>With at least <span class=\"least\">0</span> positive studies "
         "<input type=\"range\" min=\"0\" step=\"1\" aria-label=\"Fewest positive studies\"></label>\n"
         "<output class=\"shown\"></output>\n</div>\n";
}

PageBody probe_page(const JsonPlace& metrics, const RunFolder& folder) {
  const ProbeMetrics probe = read_probe_metrics(metrics);
  const std::string kind = metrics.text("kind") == "probe" ? "Linear probe" : "Zero-shot";
  PageBody body;
  body.about = fmt::format("{}, {} questions on {} test studies", kind,
                           grouped(static_cast<std::int64_t>(probe.questions.size())), grouped(probe.test));
  if (!probe.with_answers) {
    body.html = bare_questions(probe);
    return body;
  }
  body.html = figures(probe);
  body.html += fmt::format(
      "<p class=\"note\">{} Macro: the mean over the questions that have both classes in the test set.</p>\n",
      escape_html(bootstrap_text(metrics)));
  body.html += categories_section(probe) + questions_section(probe) + details_section(probe, folder);
  return body;
}

}  // namespace pillar::viz
