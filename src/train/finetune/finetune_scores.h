// Internal: what a model says of all studies of a split.
#pragma once

#include "pillar/metrics/predictions.h"
#include "pillar/metrics/survival.h"

#include "train/finetune/finetune_setup.h"
#include "train/run/task.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct SplitScores {
  std::vector<std::int64_t> studies;  // of the pool, in its order; those that failed are left out
  at::Tensor logits;                  // (studies, outputs) float32 on the CPU, of all ranks
  std::vector<BadStudy> bad;          // of this rank
  bool is_broken_off = false;         // a rank was asked to stop: there are no studies
};

// Collective: each rank takes a part of the pool, and all have the result. `should_stop` is asked before
// every batch; empty: goes on to the end.
SplitScores score_split(const FinetuneOptions& options, const FinetuneSetup& setup, const OutcomePool& pool,
                        const FinetunedModel& model, const World& world,
                        const StopQuestion& should_stop = {});

// Probabilities and what is true of each output: a label, a class against all others, an event up to a year.
Predictions predictions_of(const FinetuneSetup& setup, const OutcomePool& pool, const SplitScores& scores);

// The same of survival, and how long training studies were watched, by which pairs of studies are weighed.
SurvivalPredictions survival_predictions(const FinetuneSetup& setup, const OutcomePool& pool,
                                         const SplitScores& scores, const Predictions& predictions);
SurvivalOptions survival_options(const FinetuneSetup& setup);

// What a validation measures, "loss" first. Numbers that the split cannot give are NaN.
NamedValues split_metrics(const FinetuneSetup& setup, const OutcomePool& pool, const SplitScores& scores,
                          double loss);

// The name of the number that says which checkpoint is best, where the configuration leaves it open.
const char* default_monitor(OutcomeKind kind) noexcept;

}  // namespace pillar
