// Internal: one optimiser step of a finetuning, from loaded studies to moved weights.
#pragma once

#include "train/finetune/finetune_loss.h"
#include "train/finetune/finetune_setup.h"
#include "train/run/image_input.h"
#include "train/run/task.h"
#include "train/run/update.h"

#include <vector>

namespace pillar {

struct FinetuneStepReport {
  double loss = 0;    // mean over the step's micro-batches, of all ranks
  NamedValues terms;  // of it, before their weights: "outcome", "attention", ...
  UpdateReport update;
  double forward_s = 0, backward_s = 0, optimiser_s = 0;  // of this rank
};

class FinetuneStepRunner {
 public:
  // All of them must outlive it.
  FinetuneStepRunner(const FinetuneOptions& options, FinetuneSetup& setup, const World& world);

  // Collective. The step's loss is the mean over its micro-batches, whoever has them: the same gradient on
  // any number of processes. Throws Error(input) naming the step's studies where loss or gradients are not
  // finite.
  FinetuneStepReport run(const StepBatch& batch, std::int64_t step);

  WeightUpdate& update() { return update_; }
  const WeightUpdate& update() const { return update_; }
  const FinetuneLoss& loss() const { return loss_; }

 private:
  bool only_heads(std::int64_t step) const;
  FinetunedPass pass_of(const MicroBatch& micro, std::int64_t step) const;
  at::Tensor image_of(const MicroBatch& micro, const std::vector<double>& degrees);
  LossWithTerms micro_loss(const MicroBatch& micro, std::int64_t step);

  const FinetuneConfig& config_;
  FinetuneSetup& setup_;
  const World& world_;
  at::ScalarType compute_;
  Parameters trained_;  // what config_.freeze leaves to the optimiser
  std::vector<at::Tensor> head_tensors_, trained_tensors_;
  GradientReducer head_reducer_, trained_reducer_;
  WeightUpdate update_;
  FinetuneLoss loss_;
  ImageInput input_;
};

}  // namespace pillar
