#include "pillar/viz/line_plot.h"

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

// What was not answered, and what it does to count it.
std::string unknown_note(const Evaluation& evaluation) {
  if (!evaluation.unknown || evaluation.unknown->missing + evaluation.unknown->uncertain == 0) return {};
  const UnknownAnswers& unknown = *evaluation.unknown;
  const std::int64_t answers = evaluation.num_studies * std::ssize(evaluation.questions);
  std::string text = fmt::format("Of {} answers of the test studies {} are missing and {} uncertain.",
                                 grouped(answers), grouped(unknown.missing), grouped(unknown.uncertain));
  if (unknown.counted == 0) return fmt::format("<p class=\"note\">{} They are left out.</p>\n", text);
  const double given = unknown.auroc_of_given.mean.value, difference = evaluation.auroc.mean.value - given;
  text += fmt::format(" {} of these count as a yes or a no all the same. ", grouped(unknown.counted));
  text += std::isfinite(difference)
              ? fmt::format(
                    "On the answers that are given, the macro AUROC of the same scores is {}: "
                    "counting the others moves it by {:+.3f}.",
                    decimals(given), difference)
              : "On the answers that are given, no question has both classes.";
  return fmt::format("<p class=\"note\">{}</p>\n", text);
}

// What the probe makes of few answers: a curve over shots, all of them last, and a row for each.
std::string few_shot_section(const std::vector<FewShotPoint>& points) {
  if (points.empty()) return {};
  LinePlot plot;
  plot.title = "Macro AUROC by answers trained on";
  plot.x_label = "point, in the order below";
  plot.y_label = "macro AUROC";
  plot.lines = {{"interval", {}, {}, PlotDots::never}, {"mean", {}, {}}};
  std::string rows;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const FewShotPoint& point = points[i];
    const auto place = static_cast<double>(i + 1);
    plot.lines[0].x.insert(plot.lines[0].x.end(), 3, place);
    for (const double end : {point.auroc.low, point.auroc.high, kUndefined}) plot.lines[0].y.push_back(end);
    plot.lines[1].x.push_back(place);
    plot.lines[1].y.push_back(point.auroc.value);
    const std::string shots = point.shots == 0 ? "all" : fmt::format("{} + {}", point.shots, point.shots);
    rows += fmt::format("<tr><td>{}</td>{}{}{}{}{}{}</tr>\n", shots, count_cell(point.draws),
                        number_cell(point.auroc.value, decimals(point.auroc.value)),
                        range_cell(range_text(point.auroc)),
                        number_cell(point.average_precision.value, decimals(point.average_precision.value)),
                        range_cell(range_text(point.average_precision)), count_cell(point.short_questions));
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>Trained on few answers</h2>\n{}<p class=\"note\">Of each question as "
      "many "
      "yes and no as stated, drawn anew each time; the interval is that of the mean over draws.</p>\n<div "
      "class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      line_plot_svg(plot),
      table_head({{"yes + no", "words"},
                  {"draws", "number"},
                  {"AUROC", "number"},
                  {"interval", "plain"},
                  {"AP", "number"},
                  {"interval", "plain"},
                  {"questions that have fewer", "number"}}),
      rows);
}

std::string left_out_section(const Evaluation& evaluation) {
  if (evaluation.left_out.empty()) return {};
  std::string rows;
  for (const LeftOutQuestion& question : evaluation.left_out) {
    rows += fmt::format("<tr><td>{}</td>{}{}</tr>\n", escape_html(question.question),
                        count_cell(question.train_positive), count_cell(question.test_positive));
  }
  return fmt::format(
      "<section class=\"rows\">\n<h2>Left out</h2>\n<p class=\"note\">Questions with fewer than {} positive "
      "studies in the training or the test split.</p>\n<div class=\"scroll\"><table "
      "class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      evaluation.min_positives,
      table_head({{"question", "words"}, {"train yes", "number"}, {"test yes", "number"}}), rows);
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

std::string question_row(const QuestionEvaluation& question, std::size_t index, bool probabilities,
                         bool unknown) {
  std::string cells = fmt::format("<td><a href=\"#q{}\">{}</a></td><td class=\"words\">{}</td>", index,
                                  escape_html(question.question), escape_html(question.category));
  cells += count_cell(question.num_positive) + count_cell(question.num_negative);
  if (unknown) cells += count_cell(question.num_missing) + count_cell(question.num_uncertain);
  cells += plain_cell(question.auroc.value) + range_cell(range_text(question.auroc));
  cells += fmt::format("<td class=\"scale\">{}</td>", interval_bar(question.auroc, {}));
  cells += plain_cell(question.average_precision.value) + plain_cell(question.at_90_specificity.sensitivity);
  if (probabilities) cells += plain_cell(question.brier) + plain_cell(question.expected_calibration_error);
  return fmt::format("<tr>{}</tr>\n", cells);
}

std::vector<Column> question_columns(bool probabilities, bool unknown) {
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
  if (unknown) {
    columns.insert(columns.begin() + 4, {{"missing", "number", "title=\"Answers that are not there\""},
                                         {"uncertain", "number", "title=\"Answers that are uncertain\""}});
  }
  if (probabilities) {
    columns.push_back({"Brier", "number", "title=\"Brier score\""});
    columns.push_back({"ECE", "number", "title=\"Expected calibration error, ten bins\""});
  }
  return columns;
}

std::string questions_section(const Evaluation& evaluation) {
  std::string rows;
  const bool unknown = evaluation.unknown && evaluation.unknown->missing + evaluation.unknown->uncertain > 0;
  for (std::size_t i = 0; i < evaluation.questions.size(); ++i)
    rows += question_row(evaluation.questions[i], i, evaluation.probabilities, unknown);
  return fmt::format(
      "<section class=\"rows\">\n<h2>Questions</h2>\n{}<div class=\"scroll\"><table class=\"dense\" "
      "id=\"questions\">\n"
      "{}<tbody>\n{}</tbody></table></div>\n</section>\n",
      question_controls(), table_head(question_columns(evaluation.probabilities, unknown)), rows);
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
  body.html += unknown_note(evaluation) + few_shot_section(evaluation.few_shot);
  if (evaluation.classes) body.html += classes_section(*evaluation.classes);
  body.html += categories_section(evaluation) + questions_section(evaluation);
  body.html += left_out_section(evaluation);
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
