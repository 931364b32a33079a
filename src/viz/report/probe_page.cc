#include "viz/report/classification_sections.h"
#include "viz/report/pages.h"
#include "viz/report/question_detail.h"
#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

constexpr double kStripWidth = 400;

std::string macro_figure(const char* name, const MacroInterval& macro) {
  const std::string range = range_text(macro.mean);
  return figure(name, decimals(macro.mean.value),
                range.empty() ? fmt::format("{} questions", grouped(macro.questions)) : range);
}

std::string figures(const Evaluation& evaluation, const std::optional<TrainingCounts>& training) {
  std::string html =
      macro_figure("Macro AUROC", evaluation.auroc) +
      macro_figure("Average precision", evaluation.average_precision) +
      macro_figure("Sensitivity at 90 % specificity", evaluation.sensitivity_at_90_specificity);
  if (std::isfinite(evaluation.brier.mean.value)) html += macro_figure("Brier score", evaluation.brier);
  if (std::isfinite(evaluation.expected_calibration_error.mean.value))
    html += macro_figure("Calibration error", evaluation.expected_calibration_error);
  html += figure("Questions", grouped(evaluation.num_evaluated),
                 fmt::format("of {} with both classes", grouped(std::ssize(evaluation.questions))));
  const bool trained = training && training->train > 0;
  html += figure(
      "Test studies", grouped(evaluation.num_studies),
      trained ? fmt::format("{} train, {} valid", grouped(training->train), grouped(training->valid)) : "");
  return fmt::format("<dl class=\"figures\">\n{}</dl>\n", html);
}

// A pale dot for each question, the category's mean and its interval.
std::string strip(const Evaluation& evaluation, const CategoryEvaluation& category) {
  const Ends ends;
  std::string svg =
      "<svg class=\"bar strip\" viewBox=\"0 0 400 18\" preserveAspectRatio=\"none\" aria-hidden=\"true\">";
  for (const QuestionEvaluation& question : evaluation.questions) {
    if (question.category != category.name || !std::isfinite(question.auroc.value)) continue;
    svg +=
        fmt::format("<path class=\"dot\" d=\"M{:.1f} 9h0\"/>", ends.place(question.auroc.value, kStripWidth));
  }
  const Interval& mean = category.auroc.mean;
  const auto place = [&](double value) { return ends.place(value, kStripWidth); };
  if (std::isfinite(mean.low) && std::isfinite(mean.high))
    svg += fmt::format("<path d=\"M{:.1f} 9H{:.1f}\"/>", place(mean.low), place(mean.high));
  if (std::isfinite(mean.value))
    svg += fmt::format("<path class=\"macro\" d=\"M{:.1f} 1v16\"/>", place(mean.value));
  return svg + "</svg>";
}

std::string categories_section(const Evaluation& evaluation) {
  if (evaluation.categories.empty()) return {};
  std::string rows;
  for (const CategoryEvaluation& category : evaluation.categories) {
    const Interval &auroc = category.auroc.mean, &precision = category.average_precision.mean;
    rows += fmt::format("<tr><td>{}</td>{}{}{}<td class=\"wide\">{}</td>{}{}</tr>\n",
                        category.name.empty() ? "no category" : escape_html(category.name),
                        count_cell(category.auroc.questions), number_cell(auroc.value, decimals(auroc.value)),
                        range_cell(range_text(auroc)), strip(evaluation, category),
                        number_cell(precision.value, decimals(precision.value)),
                        range_cell(range_text(precision)));
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

std::string question_row(const QuestionEvaluation& question, std::size_t index, bool probabilities) {
  std::string cells = fmt::format("<td><a href=\"#q{}\">{}</a></td><td class=\"words\">{}</td>", index,
                                  escape_html(question.question), escape_html(question.category));
  cells += count_cell(question.num_positive) + count_cell(question.num_negative);
  cells += plain_cell(question.auroc.value) + range_cell(range_text(question.auroc));
  cells += fmt::format("<td class=\"scale\">{}</td>", interval_bar(question.auroc, {}));
  cells += plain_cell(question.average_precision.value) + plain_cell(question.at_90_specificity.sensitivity);
  if (probabilities) cells += plain_cell(question.brier) + plain_cell(question.expected_calibration_error);
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

std::string questions_section(const Evaluation& evaluation) {
  std::string rows;
  for (std::size_t i = 0; i < evaluation.questions.size(); ++i)
    rows += question_row(evaluation.questions[i], i, evaluation.probabilities);
  return fmt::format(
      "<section class=\"rows\">\n<h2>Questions</h2>\n{}<div class=\"scroll\"><table class=\"dense\" "
      "id=\"questions\">\n"
      "{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      question_controls(), table_head(question_columns(evaluation.probabilities)), rows);
}

std::optional<TrainingAnswers> training_answers(const std::optional<TrainingCounts>& training,
                                                std::size_t question) {
  if (!training || training->positives_q.empty()) return std::nullopt;
  return TrainingAnswers{training->positives_q[question], training->negatives_q[question]};
}

std::string details_section(const EvaluationMetrics& metrics, const RunFolder& folder) {
  std::string html = "<section class=\"list\">\n<h2>Each question, closer</h2>\n";
  const std::vector<QuestionEvaluation>& questions = metrics.evaluation.questions;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const QuestionEvaluation& question = questions[i];
    html += fmt::format(
        "<details><summary>{} <span>AUROC {} {}</span></summary>\n<div class=\"closer\" "
        "id=\"q{}\">\n{}</div></details>\n",
        escape_html(question.question), decimals(question.auroc.value), range_text(question.auroc), i,
        question_detail(question, training_answers(metrics.training, i), folder));
  }
  return html + "</section>\n";
}

std::string about_line(const std::string& kind, std::int64_t questions, std::int64_t studies) {
  const char* model = kind == "probe" ? "Linear probe" : kind == "finetune" ? "Finetuned model" : "Zero-shot";
  return fmt::format("{}, {} questions on {} test studies", model, grouped(questions), grouped(studies));
}

}  // namespace

std::string question_controls() {
  return "<div class=\"controls\" hidden>\n"
         "<label>Filter <input type=\"search\" placeholder=\"question or category\"></label>\n"
         "<label>With at least <span class=\"least\">0</span> positive studies "
         "<input type=\"range\" min=\"0\" step=\"1\" aria-label=\"Fewest positive studies\"></label>\n"
         "<output class=\"shown\"></output>\n</div>\n";
}

PageBody probe_page(const EvaluationMetrics& metrics, const std::string& kind, const RunFolder& folder) {
  const Evaluation& evaluation = metrics.evaluation;
  PageBody body;
  body.about = about_line(kind, std::ssize(evaluation.questions), evaluation.num_studies);
  body.html = figures(evaluation, metrics.training);
  body.html += fmt::format(
      "<p class=\"note\">{} Macro: the mean over the questions that have both classes in the test set.</p>\n",
      escape_html(bootstrap_text(evaluation.bootstrap, evaluation.unit, evaluation.num_units)));
  if (evaluation.classes) body.html += classes_section(*evaluation.classes);
  body.html += categories_section(evaluation) + questions_section(evaluation);
  if (evaluation.thresholded) body.html += thresholds_section(*evaluation.thresholded);
  body.html += details_section(metrics, folder);
  return body;
}

PageBody unlabelled_page(const UnlabelledRun& run) {
  std::string items;
  for (const std::string& question : run.questions)
    items += fmt::format("<li>{}</li>\n", escape_html(question));
  return {about_line("zero-shot", std::ssize(run.questions), run.num_studies),
          fmt::format("<p class=\"note\">Scores without labels: nothing to hold them "
                      "against.</p>\n<section>\n<h2>Questions</h2>\n<ol>\n{}</ol>\n</section>\n",
                      items)};
}

}  // namespace pillar::viz
