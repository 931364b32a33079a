#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/metrics/evaluation.h"

#include "metrics/csv_cell.h"
#include "metrics/json/kinds.h"
#include "metrics/shared/run_folder.h"

#include <fmt/format.h>

namespace pillar {
namespace {

std::string training_cell(const std::optional<TrainingCounts>& training,
                          const std::vector<std::int64_t> TrainingCounts::*counts, std::size_t question) {
  return training ? fmt::format("{}", ((*training).*counts)[question]) : std::string();
}

void write_metrics_csv(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                       const std::optional<TrainingCounts>& training) {
  CsvTable table;
  table.header = {"question",
                  "category",
                  "num_samples",
                  "num_positive",
                  "num_negative",
                  "train_positive",
                  "train_negative",
                  "auroc",
                  "auroc_low",
                  "auroc_high",
                  "average_precision",
                  "average_precision_low",
                  "average_precision_high",
                  "sensitivity_at_90_specificity",
                  "threshold_at_90_specificity",
                  "brier",
                  "expected_calibration_error",
                  "num_missing",
                  "num_uncertain",
                  "auroc_delong_low",
                  "auroc_delong_high"};
  for (std::size_t i = 0; i < evaluation.questions.size(); ++i) {
    const QuestionEvaluation& q = evaluation.questions[i];
    table.rows.push_back({q.question,
                          q.category,
                          fmt::format("{}", q.num_samples),
                          fmt::format("{}", q.num_positive),
                          fmt::format("{}", q.num_negative),
                          training_cell(training, &TrainingCounts::positives_q, i),
                          training_cell(training, &TrainingCounts::negatives_q, i),
                          csv_cell(q.auroc.value),
                          csv_cell(q.auroc.low),
                          csv_cell(q.auroc.high),
                          csv_cell(q.average_precision.value),
                          csv_cell(q.average_precision.low),
                          csv_cell(q.average_precision.high),
                          csv_cell(q.at_90_specificity.sensitivity),
                          csv_cell(q.at_90_specificity.threshold),
                          csv_cell(q.brier),
                          csv_cell(q.expected_calibration_error),
                          fmt::format("{}", q.num_missing),
                          fmt::format("{}", q.num_uncertain),
                          csv_cell(q.delong.low),
                          csv_cell(q.delong.high)});
  }
  write_csv(run_folder / "metrics.csv", table);
}

// A row a draw, then one of their mean; `shots` is "all" where nothing was drawn.
void write_few_shot_csv(const std::filesystem::path& run_folder, const std::vector<FewShotPoint>& points) {
  CsvTable table;
  table.header = {"shots",
                  "draw",
                  "auroc",
                  "auroc_low",
                  "auroc_high",
                  "average_precision",
                  "average_precision_low",
                  "average_precision_high",
                  "questions",
                  "short_questions"};
  for (const FewShotPoint& point : points) {
    const std::string shots = point.shots == 0 ? "all" : fmt::format("{}", point.shots);
    for (std::size_t draw = 0; draw < point.auroc_draws.size(); ++draw) {
      table.rows.push_back({shots, fmt::format("{}", draw), csv_cell(point.auroc_draws[draw])});
      table.rows.back().resize(table.header.size());
    }
    std::vector<std::string> row = {shots, "mean"};
    add_interval_cells(point.auroc, row);
    add_interval_cells(point.average_precision, row);
    row.push_back(fmt::format("{}", point.questions));
    row.push_back(fmt::format("{}", point.short_questions));
    table.rows.push_back(std::move(row));
  }
  write_csv(run_folder / "few_shot.csv", table);
}

void write_thresholds_csv(const std::filesystem::path& run_folder, const ThresholdedEvaluation& evaluation) {
  CsvTable table;
  table.header = {"question",         "threshold",      "chosen_on",       "true_positives",
                  "false_positives",  "true_negatives", "false_negatives", "f1",
                  "f1_low",           "f1_high",        "sensitivity",     "sensitivity_low",
                  "sensitivity_high", "specificity",    "specificity_low", "specificity_high"};
  for (const ThresholdedQuestion& q : evaluation.questions) {
    std::vector<std::string> row = {q.question, csv_cell(q.threshold),
                                    q.is_chosen ? evaluation.chosen_on : ""};
    for (const std::int64_t count : {q.confusion.true_positives, q.confusion.false_positives,
                                     q.confusion.true_negatives, q.confusion.false_negatives})
      row.push_back(fmt::format("{}", count));
    for (const Interval* interval : {&q.f1, &q.sensitivity, &q.specificity})
      add_interval_cells(*interval, row);
    table.rows.push_back(std::move(row));
  }
  write_csv(run_folder / "thresholds.csv", table);
}

// Rows are what is true, columns what the model says.
void write_confusion_csv(const std::filesystem::path& run_folder, const ClassEvaluation& evaluation) {
  CsvTable table;
  table.header = {"true"};
  for (const std::string& name : evaluation.classes) table.header.push_back(name);
  std::size_t cell = 0;
  for (const std::string& name : evaluation.classes) {
    std::vector<std::string> row = {name};
    while (row.size() < table.header.size()) row.push_back(fmt::format("{}", evaluation.studies_kk[cell++]));
    table.rows.push_back(std::move(row));
  }
  write_csv(run_folder / "confusion.csv", table);
}

}  // namespace

void write_evaluation(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                      const RunRecord& record, const std::optional<TrainingCounts>& training) {
  if (training) {
    for (const auto* counts : {&training->positives_q, &training->negatives_q}) {
      if (counts->size() != evaluation.questions.size()) {
        fail(ErrorCategory::usage, "{} training counts for {} questions", counts->size(),
             evaluation.questions.size());
      }
    }
  }
  make_run_folder(run_folder);
  write_metrics_csv(run_folder, evaluation, training);
  std::error_code ignored;
  if (evaluation.few_shot.empty())
    std::filesystem::remove(run_folder / "few_shot.csv", ignored);
  else
    write_few_shot_csv(run_folder, evaluation.few_shot);
  if (evaluation.thresholded) write_thresholds_csv(run_folder, *evaluation.thresholded);
  if (evaluation.classes) write_confusion_csv(run_folder, *evaluation.classes);
  write_evaluation_json(run_folder, evaluation, record, training);
}

}  // namespace pillar
