#include "train/finetune/finetune_scores.h"

#include "pillar/metrics/classification.h"
#include "pillar/metrics/metrics.h"

#include "train/finetune/outcome_answers.h"
#include "train/run/batching.h"
#include "train/run/image_input.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

// Rows of all ranks: the study's index, then its logits. Doubles hold both exactly.
void take_rows(const at::Tensor& rows_nk, SplitScores& scores) {
  const at::Tensor order = rows_nk.select(1, 0).argsort(/*stable=*/true, 0, /*descending=*/false);
  const at::Tensor sorted = rows_nk.index_select(0, order);
  const at::Tensor indices = sorted.select(1, 0).to(at::kLong).contiguous();
  const auto* index = indices.const_data_ptr<std::int64_t>();
  scores.studies.assign(index, index + indices.numel());
  scores.logits = sorted.narrow(1, 1, rows_nk.size(1) - 1).to(at::kFloat).contiguous();
}

}  // namespace

SplitScores score_split(const FinetuneOptions& options, const FinetuneSetup& setup, const OutcomePool& pool,
                        const FinetunedModel& model, const World& world, const StopQuestion& should_stop) {
  const at::NoGradGuard no_gradients;
  const auto outputs = static_cast<std::int64_t>(setup.heads.outputs.size());
  const auto count = static_cast<std::int64_t>(pool.studies.size());
  SplitScores scores;
  StudyLoaderOptions loading = loader_options(options.config, setup.shape, options.device, 1, false);
  loading.shape.batch = loading.shape.micro_batch * world.size();
  loading.shape.drop_last = false;
  loading.end_step = steps_per_epoch(count, loading.shape);
  StudyLoader loader(pool, loading);
  FinetunedPass pass;
  pass.atlas.execution = {model.device(), compute_type(options.config.precision)};
  ImageInput input(setup.windows, setup.spec.pad_value, model.device(), pass.atlas.execution.compute);
  std::vector<at::Tensor> rows = {at::empty({0, 1 + outputs}, at::kDouble)};
  while (const auto batch = loader.next()) {
    if (should_stop && should_stop()) {
      scores.is_broken_off = true;
      return scores;
    }
    for (const MicroBatch& micro : batch->micro_batches) {
      const at::Tensor logits = model.forward(input(micro.voxels_bcdhw), pass).logits.cpu().to(at::kDouble);
      rows.push_back(at::cat({at::tensor(micro.studies, at::kLong).to(at::kDouble).unsqueeze(1), logits}, 1));
    }
    scores.bad.insert(scores.bad.end(), batch->bad.begin(), batch->bad.end());
  }
  take_rows(world.all_gather_rows(at::cat(rows)), scores);
  return scores;
}

Predictions predictions_of(const FinetuneSetup& setup, const OutcomePool& pool, const SplitScores& scores) {
  Predictions predictions;
  for (const std::int64_t study : scores.studies)
    predictions.accessions.push_back(pool.studies[static_cast<std::size_t>(study)].name);
  predictions.questions = setup.heads.outputs;
  predictions.categories.assign(setup.heads.outputs.size(), "");
  const at::Tensor logits = scores.logits.to(at::kDouble);
  const bool exclusive = setup.heads.kind == OutcomeKind::multiclass;
  predictions.scores_qn = (exclusive ? at::softmax(logits, 1) : at::sigmoid(logits)).t().contiguous();
  // A calibration changes the probabilities and leaves these.
  predictions.ranking_qn = (exclusive ? class_log_odds(logits) : logits).t().contiguous();
  predictions.answers_qn =
      outcome_answers(setup.heads.kind, values_of(setup.table, pool, scores.studies), logits.size(1))
          .t()
          .contiguous();
  return predictions;
}

namespace {

SurvivalOutcomes survival_outcomes(const at::Tensor& event_and_time_n2) {
  SurvivalOutcomes outcomes;
  const at::Tensor values = event_and_time_n2.contiguous();
  const auto* value = values.const_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < values.size(0); ++n) {
    outcomes.events_n.push_back(static_cast<std::uint8_t>(value[2 * n]));
    outcomes.times_n.push_back(value[2 * n + 1]);
  }
  return outcomes;
}

}  // namespace

SurvivalPredictions survival_predictions(const FinetuneSetup& setup, const OutcomePool& pool,
                                         const SplitScores& scores, const Predictions& predictions) {
  return {predictions.accessions, scores.logits,
          survival_outcomes(values_of(setup.table, pool, scores.studies))};
}

SurvivalOptions survival_options(const FinetuneSetup& setup) {
  std::vector<std::int64_t> all(setup.train.studies.size());
  std::iota(all.begin(), all.end(), 0);
  const auto years = static_cast<std::int64_t>(setup.heads.outputs.size());
  SurvivalOptions options;
  options.watched_k = watched_curve(survival_outcomes(values_of(setup.table, setup.train, all)), years);
  return options;
}

namespace {

// The mean of what is defined; NaN where nothing is.
double defined_mean(const std::vector<double>& values) {
  double sum = 0;
  int count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

NamedValues split_metrics(const FinetuneSetup& setup, const OutcomePool& pool, const SplitScores& scores,
                          double loss) {
  const Predictions predictions = predictions_of(setup, pool, scores);
  const auto studies = static_cast<std::int64_t>(scores.studies.size());
  std::vector<double> areas, precisions;
  NamedValues by_output;
  for (std::int64_t q = 0; q < predictions.scores_qn.size(0); ++q) {
    const at::Tensor ranking = predictions.ranking_qn.select(0, q);
    const at::Tensor answers = predictions.answers_qn.select(0, q).contiguous();
    const auto count = static_cast<std::size_t>(studies);
    const RankedScores ranked = rank_scores({ranking.const_data_ptr<double>(), count},
                                            {answers.const_data_ptr<std::int8_t>(), count});
    areas.push_back(auroc(ranked));
    precisions.push_back(average_precision(ranked));
    by_output.emplace_back("auroc." + predictions.questions[static_cast<std::size_t>(q)], areas.back());
  }
  NamedValues values = {
      {"loss", loss}, {"macro_auroc", defined_mean(areas)}, {"macro_ap", defined_mean(precisions)}};
  values.insert(values.end(), by_output.begin(), by_output.end());
  if (setup.heads.kind == OutcomeKind::survival) {
    BootstrapOptions no_intervals;
    no_intervals.replicates = 0;
    const SurvivalEvaluation survival = evaluate_survival(
        survival_predictions(setup, pool, scores, predictions), survival_options(setup), no_intervals, {});
    values.insert(values.begin() + 1, {"c_index", survival.concordance.value});
  }
  values.emplace_back("count", static_cast<double>(studies));
  return values;
}

const char* default_monitor(OutcomeKind kind) noexcept {
  return kind == OutcomeKind::survival ? "c_index" : "macro_auroc";
}

}  // namespace pillar
