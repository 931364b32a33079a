#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/metrics/evaluation.h"

#include "metrics/shared/metrics_json.h"

#include <cmath>

namespace pillar {
namespace {

using Json = MetricsJson;

std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

std::string training_cell(const std::vector<std::int64_t>* counts, std::size_t question) {
  return counts != nullptr ? fmt::format("{}", (*counts)[question]) : std::string();
}

Json training_json(const std::vector<std::int64_t>* counts, std::size_t question) {
  return counts != nullptr ? Json((*counts)[question]) : Json(nullptr);
}

// None for zero-shot.
struct TrainingColumns {
  const std::vector<std::int64_t>*positives = nullptr, *negatives = nullptr;
};

void write_metrics_csv(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                       const TrainingColumns& training) {
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
    table.rows.push_back(
        {q.question, q.category, fmt::format("{}", q.num_samples), fmt::format("{}", q.num_positive),
         fmt::format("{}", q.num_negative), training_cell(training.positives, i),
         training_cell(training.negatives, i), cell(q.auroc.value), cell(q.auroc.low), cell(q.auroc.high),
         cell(q.average_precision.value), cell(q.average_precision.low), cell(q.average_precision.high),
         cell(q.at_90_specificity.sensitivity), cell(q.at_90_specificity.threshold), cell(q.brier),
         cell(q.expected_calibration_error)});
  }
  write_csv(run_folder / "metrics.csv", table);
}

Json macro_json(const MacroInterval& macro) {
  Json json = interval_json(macro.mean);
  json["questions"] = macro.questions;
  return json;
}

Json macro_value_json(const MacroInterval& macro) {
  return {{"value", number_json(macro.mean.value)}, {"questions", macro.questions}};
}

Json curves_json(const QuestionEvaluation& q) {
  Json json = {{"roc", Json::array()}, {"reliability", Json::array()}, {"errors", Json::array()}};
  for (const RocPoint& point : q.roc)
    json["roc"].push_back(Json::array({point.false_positive_rate, point.true_positive_rate}));
  for (const ReliabilityBin& bin : q.reliability) {
    json["reliability"].push_back(
        {{"predicted", bin.predicted}, {"observed", bin.observed}, {"count", bin.count}});
  }
  for (const ConfidentError& error : q.errors) {
    json["errors"].push_back(
        {{"accession", error.accession}, {"score", error.score}, {"answer", error.answer}});
  }
  return json;
}

Json question_json(const QuestionEvaluation& q, const TrainingColumns& training, std::size_t index) {
  Json json;
  json["question"] = q.question;
  json["category"] = q.category;
  json["num_samples"] = q.num_samples;
  json["num_positive"] = q.num_positive;
  json["num_negative"] = q.num_negative;
  json["train_positive"] = training_json(training.positives, index);
  json["train_negative"] = training_json(training.negatives, index);
  json["auroc"] = interval_json(q.auroc);
  json["average_precision"] = interval_json(q.average_precision);
  json["sensitivity_at_90_specificity"] = {{"value", number_json(q.at_90_specificity.sensitivity)},
                                           {"threshold", number_json(q.at_90_specificity.threshold)}};
  json["brier"] = number_json(q.brier);
  json["expected_calibration_error"] = number_json(q.expected_calibration_error);
  json.update(curves_json(q));
  return json;
}

Json evaluation_json(const Evaluation& e, const RunRecord& record,
                     const std::optional<TrainingCounts>& training, const TrainingColumns& columns) {
  Json json = metrics_head(record);
  json["counts"] = {{"train", training ? Json(training->train) : Json(nullptr)},
                    {"valid", training ? Json(training->valid) : Json(nullptr)},
                    {"test", e.num_studies},
                    {"questions", e.questions.size()},
                    {"evaluated", e.num_evaluated}};
  json["bootstrap"] = bootstrap_json(e.bootstrap, e.unit, e.num_units);
  json["macro"] = {{"auroc", macro_json(e.auroc)},
                   {"average_precision", macro_json(e.average_precision)},
                   {"sensitivity_at_90_specificity", macro_value_json(e.sensitivity_at_90_specificity)},
                   {"brier", macro_value_json(e.brier)},
                   {"expected_calibration_error", macro_value_json(e.expected_calibration_error)}};
  json["categories"] = Json::array();
  for (const CategoryEvaluation& category : e.categories) {
    json["categories"].push_back({{"name", category.name},
                                  {"questions", category.auroc.questions},
                                  {"auroc", interval_json(category.auroc.mean)},
                                  {"average_precision", interval_json(category.average_precision.mean)}});
  }
  json["questions"] = Json::array();
  for (std::size_t i = 0; i < e.questions.size(); ++i)
    json["questions"].push_back(question_json(e.questions[i], columns, i));
  return json;
}

}  // namespace

void write_evaluation(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                      const RunRecord& record, const std::optional<TrainingCounts>& training) {
  TrainingColumns columns;
  if (training) {
    columns = {&training->positives_q, &training->negatives_q};
    for (const std::vector<std::int64_t>* counts : {columns.positives, columns.negatives}) {
      if (counts->size() != evaluation.questions.size()) {
        fail(ErrorCategory::usage, "{} training counts for {} questions", counts->size(),
             evaluation.questions.size());
      }
    }
  }
  make_run_folder(run_folder);
  write_metrics_csv(run_folder, evaluation, columns);
  write_metrics_json(run_folder, evaluation_json(evaluation, record, training, columns));
}

}  // namespace pillar
