#include "eval/finetuned_scores.h"

#include "pillar/core/fail.h"
#include "pillar/metrics/classification.h"
#include "pillar/metrics/prediction_table.h"

#include "core/shared/path_format.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::optional<fs::path> finetuned_predictions(const fs::path& run_folder, const std::string& kind) {
  if (kind == "finetune-survival")
    fail(ErrorCategory::input, "{}: a run of survival has no questions that could be compared", run_folder);
  if (kind != "finetune") return std::nullopt;
  std::error_code ignored;
  const fs::path test = run_folder / "predictions" / "test.csv";
  return fs::exists(test, ignored) ? test : run_folder / "predictions" / "dev.csv";
}

void read_finetuned_scores(const fs::path& predictions, bool are_classes, RunScores& run) {
  const PredictionTable table = read_prediction_table(predictions);
  if (!table.answers_no.defined())
    fail(ErrorCategory::input, "{}: has no answers to hold its scores against", predictions);
  run.accessions = table.accessions;
  run.questions = table.outputs;
  const at::Tensor ranking =
      (are_classes ? class_log_odds(table.logits_no) : table.logits_no).t().contiguous();
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
