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
                  "expected_calibration_error"};
  for (std::size_t i = 0; i < evaluation.questions.size(); ++i) {
    const QuestionEvaluation& q = evaluation.questions[i];
    table.rows.push_back({q.question, q.category, fmt::format("{}", q.num_samples),
                          fmt::format("{}", q.num_positive), fmt::format("{}", q.num_negative),
                          training_cell(training, &TrainingCounts::positives_q, i),
                          training_cell(training, &TrainingCounts::negatives_q, i), csv_cell(q.auroc.value),
                          csv_cell(q.auroc.low), csv_cell(q.auroc.high), csv_cell(q.average_precision.value),
                          csv_cell(q.average_precision.low), csv_cell(q.average_precision.high),
                          csv_cell(q.at_90_specificity.sensitivity), csv_cell(q.at_90_specificity.threshold),
                          csv_cell(q.brier), csv_cell(q.expected_calibration_error)});
  }
  write_csv(run_folder / "metrics.csv", table);
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
  write_evaluation_json(run_folder, evaluation, record, training);
}

}  // namespace pillar
