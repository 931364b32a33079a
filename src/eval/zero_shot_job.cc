#include "pillar/eval/zero_shot_job.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/eval/public_results.h"

#include "eval/makers.h"
#include "eval/probe/probe_split.h"
#include "eval/unknown_answers.h"
#include "metrics/shared/run_folder.h"

#include <unordered_map>

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

void remove_files(const fs::path& run_folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::error_code error;
    fs::remove(run_folder / name, error);
    if (error) fail(ErrorCategory::io, "{}: cannot be removed: {}", run_folder / name, error.message());
  }
}

RunRecord record_of(const JointSpace& space, const ZeroShotJob& job, const MadeWith& made,
                    const EmbeddingSet& images, bool probabilities) {
  RunRecord record;
  record.kind = "zero-shot";
  record.command = job.command;
  record.settings = job.settings;
  record.settings["test split"] = job.split;
  record.settings["text projection"] = to_string(space.projection.kind);
  record.settings["scores"] = probabilities ? "of pairs of prompts" : "cosines of single prompts";
  if (probabilities) record.settings["cosines times"] = fmt::format("{:.6g}", logit_factor(space));
  record_maker({made.split}, made.mixed, record);
  record.inputs.push_back({"model", space.model, made.fingerprint, 0});
  record.inputs.push_back(embeddings_record(fmt::format("{} embeddings", job.split),
                                            job.cache / "embeddings" / job.split, images));
  for (const InputRecord& input : job.prompt_inputs) record.inputs.push_back(input);
  if (!job.labels.empty()) {
    record.settings["missing answers"] = how_counted(job.answers.missing);
    record.settings["uncertain answers"] = how_counted(job.answers.uncertain);
    record.inputs.push_back(file_record("labels", job.labels));
    if (!job.label_map.empty()) record.inputs.push_back(file_record("label map", job.label_map));
  }
  if (!job.patients.empty()) record.inputs.push_back(file_record("patients", job.patients));
  return record;
}

Evaluation evaluate_run(const ZeroShotJob& job, const LabelTable& labels, const EvaluationOptions& options,
                        const ZeroShotScores& scores, const EmbeddingSet& images, const RunRecord& record) {
  const Predictions predictions = labelled_predictions(scores, images.accessions, labels, job.answers);
  const Evaluation evaluation = evaluate(predictions, options);
  if (predictions.probabilities) write_public_results(job.out, predictions, evaluation, std::nullopt);
  write_evaluation(job.out, evaluation, record, std::nullopt);
  return evaluation;
}

}  // namespace

Predictions labelled_predictions(const ZeroShotScores& scores, const std::vector<std::string>& accessions,
                                 const LabelTable& labels, const AnswerRules& rules) {
  std::unordered_map<std::string, std::size_t> columns;
  for (std::size_t q = 0; q < labels.questions.size(); ++q) columns.emplace(labels.questions[q], q);
  Predictions predictions;
  predictions.accessions = accessions;
  predictions.probabilities = scores.probabilities;
  std::vector<std::int64_t> score_rows, answer_rows;
  for (std::size_t q = 0; q < scores.questions.size(); ++q) {
    const auto column = columns.find(scores.questions[q]);
    if (column == columns.end()) continue;
    score_rows.push_back(static_cast<std::int64_t>(q));
    answer_rows.push_back(static_cast<std::int64_t>(column->second));
    predictions.questions.push_back(scores.questions[q]);
    predictions.categories.push_back(labels.categories[column->second]);
  }
  if (score_rows.empty()) {
    fail(ErrorCategory::input,
         "none of the {} questions of the prompts is in the labels: '{}' here, '{}' there, say",
         scores.questions.size(), scores.questions.empty() ? "" : printable(scores.questions.front()),
         labels.questions.empty() ? "" : printable(labels.questions.front()));
  }
  const Answers answers = answers_of(labels, accessions, rules);
  if (answers.without_row == static_cast<std::int64_t>(accessions.size())) {
    fail(ErrorCategory::input, "none of the {} accessions is in the labels ({} is the first)",
         accessions.size(), accessions.empty() ? "" : printable(accessions.front()));
  }
  warn_of_unknown("test studies", answers, rules);
  const at::Tensor rows = at::tensor(score_rows, at::kLong);
  predictions.scores_qn = at::index_select(scores.scores_qn, 0, rows);
  if (scores.logits_qn.defined()) predictions.ranking_qn = at::index_select(scores.logits_qn, 0, rows);
  const at::Tensor asked = at::tensor(answer_rows, at::kLong);
  predictions.answers_qn = at::index_select(answers.answers_qn, 0, asked);
  predictions.given_qn = at::index_select(answers.given_qn, 0, asked);
  return predictions;
}

ZeroShotRun run_zero_shot(const JointSpace& space, const PromptSet& prompts,
                          const std::optional<LabelTable>& labels, const ZeroShotJob& job) {
  EvaluationOptions options;
  options.bootstrap = job.bootstrap;
  check_bootstrap_options(options.bootstrap);
  if (!job.patients.empty()) options.patients = read_patients(job.patients);
  const MadeWith made = made_with(job.cache, job.split, space.model, job.allow_mixed);
  const EmbeddingSet images = load_embeddings(job.cache, job.split);
  const ZeroShotScores scores = zero_shot_scores(space, images, prompts);
  const RunRecord record = record_of(space, job, made, images, scores.probabilities);

  ZeroShotRun run;
  run.studies = static_cast<std::int64_t>(images.accessions.size());
  run.questions = static_cast<std::int64_t>(scores.questions.size());
  run.probabilities = scores.probabilities;
  make_run_folder(job.out);
  if (!labels || !scores.probabilities)
    remove_files(job.out,
                 {"detailed_results.csv", "exam_probabilities.csv", "exam_scores.csv", "summary_stats.json"});
  write_scores(job.out / "scores.csv", images.accessions, scores);
  if (labels) {
    run.evaluation = evaluate_run(job, *labels, options, scores, images, record);
  } else {
    remove_files(job.out, {"metrics.csv"});
    write_unlabelled(job.out, {run.studies, scores.questions}, record);
  }
  return run;
}

}  // namespace pillar
