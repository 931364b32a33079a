#include "train/finetune/finetune_evaluation.h"

#include "pillar/core/fail.h"
#include "pillar/metrics/calibration_map.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/prediction_table.h"
#include "pillar/train/run_checkpoint.h"
#include "pillar/world/world_text.h"

#include "train/finetune/outcome_answers.h"
#include "train/run/exported_steps.h"

#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// The checkpoint to judge; nothing in a folder without any.
std::optional<RunCheckpoint> checkpoint_to_judge(RunFolder& folder) {
  const fs::path best = folder.path() / "checkpoints" / "best";
  if (fs::exists(best)) return load_run_checkpoint(best);
  Notes damaged;
  return folder.store().newest(damaged);
}

// Tensors of `stored` in place of those of the same name, which must be there and of that shape.
void replace_weights(const std::map<std::string, at::Tensor>& stored, const fs::path& source,
                     WeightMap& weights) {
  for (const auto& [name, tensor] : stored) {
    const auto own = weights.find(name);
    if (own == weights.end() || own->second.sizes() != tensor.sizes()) {
      fail(ErrorCategory::input, "{}: holds {}, which this model has not; was the configuration changed?",
           source, name);
    }
    own->second.copy_(tensor);
  }
}

// Of the studies that were scored: all of them have a patient, or none has.
PatientTable patients_of(const FinetuneSetup& setup, const OutcomePool& pool) {
  PatientTable patients;
  patients.file = setup.table.file;
  for (std::size_t i = 0; i < pool.studies.size(); ++i) {
    const OutcomeStudy& study = setup.table.studies[static_cast<std::size_t>(pool.rows[i])];
    if (!study.patient.empty()) patients.patient_of[pool.studies[i].name] = study.patient;
  }
  return patients;
}

RunRecord record_of(const FinetuneOptions& options, const FinetuneSetup& setup, const char* split) {
  RunRecord record;
  record.kind = "finetune";
  record.command = options.command;
  record.settings = {{"split", split},
                     {"task", to_string(setup.heads.kind)},
                     {"init", options.config.init.string()},
                     {"freeze", to_string(options.config.freeze)},
                     {"train_fraction", fmt::format("{:g}", options.config.train_fraction)},
                     {"preprocessing", describe(setup.spec)}};
  record.inputs = {file_record("table", setup.table.file)};
  return record;
}

TrainingCounts training_counts(const FinetuneSetup& setup) {
  TrainingCounts counts;
  counts.train = std::ssize(setup.train.studies);
  counts.valid = std::ssize(setup.dev.studies);
  std::vector<std::int64_t> all(setup.train.studies.size());
  std::iota(all.begin(), all.end(), 0);
  const auto outputs = static_cast<std::int64_t>(setup.heads.outputs.size());
  const at::Tensor answers =
      outcome_answers(setup.heads.kind, values_of(setup.table, setup.train, all), outputs);
  for (std::int64_t q = 0; q < outputs; ++q) {
    const at::Tensor own = answers.select(1, q);
    counts.positives_q.push_back((own == 1).sum().item<std::int64_t>());
    counts.negatives_q.push_back((own == 0).sum().item<std::int64_t>());
  }
  return counts;
}

std::string interval_text(const Interval& interval) {
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", interval.value, interval.low, interval.high);
}

// A split that was scored, with what is known of it; without studies it was not.
struct JudgedSplit {
  const OutcomePool* pool = nullptr;
  SplitScores scores;
  Predictions predictions;
};

JudgedSplit judge(const FinetuneOptions& options, FinetuneTask& task, const FinetunedModel& model,
                  OutcomeSplit split, RunFolder& folder, const World& world) {
  JudgedSplit judged;
  judged.pool = &task.setup().pool(split);
  if (judged.pool->studies.empty()) return judged;
  judged.scores = score_split(options, task.setup(), *judged.pool, model, world);
  folder.add_failures(to_string(split), gather_bad(world, judged.scores.bad));
  judged.predictions = predictions_of(task.setup(), *judged.pool, judged.scores);
  return judged;
}

PredictionTable prediction_table(const JudgedSplit& judged) {
  return {judged.predictions.accessions, judged.predictions.questions,
          judged.predictions.scores_qn.t().contiguous(), judged.scores.logits.to(at::kDouble),
          judged.predictions.answers_qn.t().contiguous()};
}

// Fits on dev, and makes the probabilities of both splits calibrated ones.
CalibrationMap calibrate(const FinetuneSetup& setup, CalibrationMethod method, JudgedSplit& dev,
                         JudgedSplit& test) {
  if (dev.scores.studies.empty())
    fail(ErrorCategory::usage, "evaluation.calibration {}: there are no dev studies to fit it on",
         to_string(method));
  const CalibrationMap map = fit_calibration(method, setup.heads.kind, setup.heads.outputs, dev.scores.logits,
                                             dev.predictions.answers_qn.t().contiguous());
  for (JudgedSplit* split : {&dev, &test}) {
    if (split->scores.studies.empty()) continue;
    split->predictions.scores_qn =
        calibrate_logits(map, split->scores.logits.to(at::kDouble)).t().contiguous();
  }
  return map;
}

std::string write_years(const FinetuneOptions& options, const FinetuneSetup& setup, const JudgedSplit& judged,
                        const char* split, const fs::path& run) {
  const SurvivalEvaluation evaluation =
      evaluate_survival(survival_predictions(setup, *judged.pool, judged.scores, judged.predictions),
                        survival_options(setup), options.config.bootstrap, patients_of(setup, *judged.pool));
  RunRecord record = record_of(options, setup, split);
  record.kind = "finetune-survival";
  write_survival(run, evaluation, record);
  std::string text = fmt::format("judged on        {}: {} studies, {} events\n", split,
                                 evaluation.num_studies, evaluation.num_events);
  text += fmt::format("c-index          {}\n", interval_text(evaluation.concordance));
  for (std::size_t year = 0; year < evaluation.years.size(); ++year) {
    const SurvivalYear& own = evaluation.years[year];
    text += fmt::format("  year {:<19} AUROC {}  {} of {} yes\n", year + 1, interval_text(own.auroc),
                        own.num_positive, own.num_positive + own.num_negative);
  }
  return text;
}

// Thresholds that dev chose; without dev studies there is nothing to choose on.
struct ChosenThresholds {
  ThresholdRule rule = ThresholdRule::half;
  std::vector<std::optional<double>> of_output;
};

ChosenThresholds thresholds_of(ThresholdRule wanted, const FinetuneSetup& setup, const JudgedSplit& dev) {
  ChosenThresholds chosen;
  chosen.of_output.resize(setup.heads.outputs.size());
  if (wanted == ThresholdRule::half || setup.heads.kind == OutcomeKind::survival) return chosen;
  if (dev.scores.studies.empty()) {
    spdlog::info("evaluation.threshold {}: there are no dev studies to choose on; yes is above one half",
                 to_string(wanted));
    return chosen;
  }
  chosen.rule = wanted;
  chosen.of_output = choose_thresholds(dev.predictions, wanted);
  return chosen;
}

std::string question_lines(const Evaluation& evaluation) {
  std::string text;
  for (std::size_t q = 0; q < evaluation.questions.size(); ++q) {
    const QuestionEvaluation& question = evaluation.questions[q];
    const ThresholdedQuestion& said = evaluation.thresholded->questions[q];
    text += fmt::format("  {:<24} AUROC {}  F1 {} above {:.3f}  {} of {} yes\n", question.question,
                        interval_text(question.auroc), interval_text(said.f1), said.threshold,
                        question.num_positive, question.num_samples);
  }
  return text;
}

// Rank 0: metrics of one split below the run's folder, and in words.
std::string write_split(const FinetuneOptions& options, const FinetuneSetup& setup, const JudgedSplit& judged,
                        const ChosenThresholds& thresholds, const char* split, const fs::path& run) {
  if (setup.heads.kind == OutcomeKind::survival) return write_years(options, setup, judged, split, run);
  EvaluationOptions evaluating;
  evaluating.bootstrap = options.config.bootstrap;
  evaluating.patients = patients_of(setup, *judged.pool);
  Evaluation evaluation = evaluate(judged.predictions, evaluating);
  evaluation.thresholded = evaluate_at_thresholds(judged.predictions, thresholds.rule, thresholds.of_output,
                                                  evaluating.bootstrap, evaluating.patients);
  if (thresholds.rule != ThresholdRule::half) evaluation.thresholded->chosen_on = "dev";
  if (setup.heads.kind == OutcomeKind::multiclass)
    evaluation.classes = evaluate_classes(judged.predictions, evaluating.bootstrap, evaluating.patients);
  write_evaluation(run, evaluation, record_of(options, setup, split), training_counts(setup));
  std::string text = fmt::format("judged on        {}: {} studies\n", split, evaluation.num_studies);
  text += fmt::format("macro AUROC      {}\n", interval_text(evaluation.auroc.mean));
  text += fmt::format("macro AP         {}\n", interval_text(evaluation.average_precision.mean));
  text += fmt::format("macro F1         {}\n", interval_text(evaluation.thresholded->f1.mean));
  if (evaluation.classes) {
    text += fmt::format("accuracy         {}, balanced {}\n", interval_text(evaluation.classes->accuracy),
                        interval_text(evaluation.classes->balanced_accuracy));
  }
  return text + question_lines(evaluation);
}

}  // namespace

BestWeights best_weights(const FinetuneTask& task, RunFolder& folder, const World& world) {
  const at::NoGradGuard no_gradients;
  BestWeights best;
  for (const auto& [name, tensor] : task.result_weights()) best.weights.emplace(name, tensor.clone());
  if (folder.is_writer()) {
    if (const auto found = checkpoint_to_judge(folder)) {
      best.step = found->state.step;
      replace_weights(found->model, found->folder, best.weights);
      replace_weights(found->average, found->folder, best.weights);
    }
  }
  best.step = std::stoll(broadcast_text(world, std::to_string(best.step)));
  for (auto& [name, tensor] : best.weights) world.broadcast(tensor);
  return best;
}

std::string evaluate_weights(const FinetuneOptions& options, FinetuneTask& task, const BestWeights& best,
                             RunFolder& folder, const fs::path& exported, const World& world) {
  const FinetuneSetup& setup = task.setup();
  const FinetunedModel model(setup.atlas, setup.spec.modality, setup.heads, best.weights, options.device,
                             "the best checkpoint");
  JudgedSplit dev = judge(options, task, model, OutcomeSplit::dev, folder, world);
  JudgedSplit test = judge(options, task, model, OutcomeSplit::test, folder, world);
  if (!folder.is_writer()) return {};
  const fs::path run = folder.path();
  if (!exported.empty())
    write_checkpoint(exported, with_trained_steps(setup.config_json, best.step), best.weights);
  if (options.config.calibration) {
    const CalibrationMap map = calibrate(setup, *options.config.calibration, dev, test);
    if (!exported.empty()) write_calibration(exported / "calibration.json", map);
  }
  const ChosenThresholds thresholds = thresholds_of(options.config.threshold, setup, dev);
  fs::create_directories(run / "predictions");
  std::string text;
  for (const auto& [split, name] : {std::pair{&dev, "dev"}, std::pair{&test, "test"}}) {
    if (split->scores.studies.empty()) continue;
    write_prediction_table(run / "predictions" / fmt::format("{}.csv", name), prediction_table(*split));
    text = write_split(options, setup, *split, thresholds, name, run);  // of test, where there is one
  }
  return text;
}

}  // namespace pillar
