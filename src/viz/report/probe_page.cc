#include "viz/probe_metrics.h"
#include "viz/report/pages.h"
#include "viz/report/question_detail.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

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
    svg +=
        fmt::format("<path class=\"dot\" d=\"M{:.1f} 9h0\"/>", ends.place(question.auroc.value, kStripWidth));
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

std::string plain_cell(double value) {
  return number_cell(value, decimals(value));
}

std::string question_row(const QuestionMetrics& question, std::size_t index, bool probabilities) {
  std::string cells = fmt::format("<td><a href=\"#q{}\">{}</a></td><td class=\"words\">{}</td>", index,
                                  escape_html(question.question), escape_html(question.category));
  cells += count_cell(question.positives) + count_cell(question.negatives);
  cells += plain_cell(question.auroc.value) + range_cell(range_text(question.auroc));
  cells += fmt::format("<td class=\"scale\">{}</td>", interval_bar(question.auroc, {}));
  cells += plain_cell(question.average_precision.value) + plain_cell(question.sensitivity);
  if (probabilities) cells += plain_cell(question.brier) + plain_cell(question.calibration_error);
  return fmt::format("<tr>{}</tr>\n", cells);
}

std::vector<Column> question_columns(bool probabilities) {
  std::vector<Column> columns = {
      {"question", "words"},
      {"category", "words"},
      {"yes", "number", "data-positives title=\"Positive test studies\""},
      {"no", "number", "title=\"Negative test studies\""},
      {"AUROC", "number", "data-mean=\"mean AUROC\" title=\"Area under the ROC curve\""},
      {"interval", "plain"},
      {scale_title("0", "0.5", "1"), "scale"},
      {"AP", "number", "title=\"Average precision\""},
      {"Sens. at 90 %", "number", "title=\"Sensitivity at 90 % specificity\""}};
  if (probabilities) {
    columns.push_back({"Brier", "number", "title=\"Brier score\""});
    columns.push_back({"ECE", "number", "title=\"Expected calibration error, ten bins\""});
  }
  return columns;
}

std::string questions_section(const ProbeMetrics& probe) {
  std::string rows;
  for (std::size_t i = 0; i < probe.questions.size(); ++i)
    rows += question_row(probe.questions[i], i, probe.probabilities);
  return fmt::format(
      "<section class=\"rows\">\n<h2>Questions</h2>\n{}<div class=\"scroll\"><table class=\"dense\" "
      "id=\"questions\">\n"
      "{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      question_controls(), table_head(question_columns(probe.probabilities)), rows);
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
