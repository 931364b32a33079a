#include "eval/finetuned_scores.h"

#include "pillar/core/fail.h"
#include "pillar/metrics/classification.h"
#include "pillar/metrics/prediction_table.h"
#include "pillar/metrics/run_metrics.h"

#include "core/shared/path_format.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Of classes that exclude each other a logit ranks nothing: what it says depends on the others.
at::Tensor ranking_of(const fs::path& metrics_json, const PredictionTable& table) {
  const RunMetrics metrics = read_run_metrics(metrics_json);
  const auto* evaluation = std::get_if<EvaluationMetrics>(&metrics.result);
  const bool exclusive = evaluation != nullptr && evaluation->evaluation.classes.has_value();
  return exclusive ? class_log_odds(table.logits_no) : table.logits_no;
}

}  // namespace

std::optional<fs::path> finetuned_predictions(const fs::path& run_folder) {
  const fs::path metrics = run_folder / "metrics.json";
  std::error_code ignored;
  if (!fs::exists(metrics, ignored)) return std::nullopt;
  const std::string kind = read_run_questions(metrics).kind;
  if (kind == "finetune-survival")
    fail(ErrorCategory::input, "{}: a run of survival has no questions that could be compared", run_folder);
  if (kind != "finetune") return std::nullopt;
  const fs::path test = run_folder / "predictions" / "test.csv";
  return fs::exists(test, ignored) ? test : run_folder / "predictions" / "dev.csv";
}

void read_finetuned_scores(const fs::path& predictions, RunScores& run) {
  const PredictionTable table = read_prediction_table(predictions);
  if (!table.answers_no.defined())
    fail(ErrorCategory::input, "{}: has no answers to hold its scores against", predictions);
  run.accessions = table.accessions;
  run.questions = table.outputs;
  const at::Tensor ranking =
      ranking_of(predictions.parent_path().parent_path() / "metrics.json", table).t().contiguous();
  const at::Tensor answers = table.answers_no.t().contiguous();
  const auto* score = ranking.const_data_ptr<double>();
  const auto* answer = answers.const_data_ptr<std::int8_t>();
  for (std::size_t q = 0; q < run.questions.size(); ++q) {
    std::vector<RunScores::Score>& scores = run.scores_q.emplace_back();
    for (std::size_t n = 0; n < run.accessions.size(); ++n)
      scores.push_back({*score++, static_cast<std::uint32_t>(n), *answer++});
  }
}

}  // namespace pillar
