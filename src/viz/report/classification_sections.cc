#include "viz/report/classification_sections.h"

#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar::viz {
namespace {

std::string interval_cells(const Interval& interval) {
  return number_cell(interval.value, decimals(interval.value)) + range_cell(range_text(interval));
}

std::string threshold_row(const ThresholdedQuestion& question) {
  const Confusion& c = question.confusion;
  std::string cells = fmt::format("<td>{}</td>", escape_html(question.question)) +
                      number_cell(question.threshold, decimals(question.threshold));
  for (const std::int64_t count : {c.true_positives, c.false_positives, c.false_negatives, c.true_negatives})
    cells += count_cell(count);
  for (const Interval* interval : {&question.f1, &question.sensitivity, &question.specificity})
    cells += interval_cells(*interval);
  return fmt::format("<tr>{}</tr>\n", cells);
}

std::string rule_text(const ThresholdedEvaluation& evaluation) {
  if (evaluation.rule == ThresholdRule::half) return "Yes is a probability above one half.";
  const char* best = evaluation.rule == ThresholdRule::f1 ? "F1" : "sensitivity + specificity";
  return fmt::format(
      "Thresholds are those of the highest {} on {}; a question with one class only there has one half.",
      best, escape_html(evaluation.chosen_on));
}

std::string table(const std::vector<Column>& columns, const std::string& rows) {
  return fmt::format("<div class=\"scroll\"><table class=\"dense\">\n{}<tbody>\n{}</tbody></table></div>\n",
                     table_head(columns), rows);
}

}  // namespace

std::string thresholds_section(const ThresholdedEvaluation& evaluation) {
  std::string rows;
  for (const ThresholdedQuestion& question : evaluation.questions) rows += threshold_row(question);
  const std::vector<Column> columns = {{"question", "words"},
                                       {"threshold", "number"},
                                       {"TP", "number", "title=\"True positives\""},
                                       {"FP", "number", "title=\"False positives\""},
                                       {"FN", "number", "title=\"False negatives\""},
                                       {"TN", "number", "title=\"True negatives\""},
                                       {"F1", "number"},
                                       {"interval", "plain"},
                                       {"sensitivity", "number"},
                                       {"interval", "plain"},
                                       {"specificity", "number"},
                                       {"interval", "plain"}};
  return fmt::format(
      "<section class=\"rows\">\n<h2>Yes or no</h2>\n<p class=\"note\">{} Macro F1 {} "
      "{}.</p>\n{}</section>\n",
      rule_text(evaluation), decimals(evaluation.f1.mean.value), range_text(evaluation.f1.mean),
      table(columns, rows));
}

std::string classes_section(const ClassEvaluation& evaluation) {
  std::vector<Column> columns = {{"true class", "words"}};
  for (const std::string& name : evaluation.classes)
    columns.push_back({fmt::format("said {}", escape_html(name)), "number"});
  std::string rows;
  std::size_t cell = 0;
  for (const std::string& name : evaluation.classes) {
    std::string cells = fmt::format("<td>{}</td>", escape_html(name));
    for (std::size_t k = 0; k < evaluation.classes.size(); ++k)
      cells += count_cell(evaluation.studies_kk[cell++]);
    rows += fmt::format("<tr>{}</tr>\n", cells);
  }
  std::string numbers;
  for (const auto& [name, interval] : {std::pair{"accuracy", &evaluation.accuracy},
                                       std::pair{"balanced accuracy", &evaluation.balanced_accuracy},
                                       std::pair{"macro F1", &evaluation.macro_f1}})
    numbers += fmt::format(" {} {} {}.", name, decimals(interval->value), range_text(*interval));
  return fmt::format(
      "<section class=\"rows\">\n<h2>Classes</h2>\n<p class=\"note\">{} studies:{}</p>\n{}</section>\n",
      grouped(evaluation.num_studies), numbers, table(columns, rows));
}

}  // namespace pillar::viz
