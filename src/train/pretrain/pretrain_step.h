// Internal: one optimiser step, from loaded batches to moved weights.
#pragma once

#include "pillar/train/contrastive.h"
#include "pillar/train/optimizer.h"

#include "train/pretrain/pretrain_setup.h"
#include "train/run/image_input.h"
#include "train/run/update.h"

#include <string>
#include <vector>

namespace pillar {

struct StepReport {
  UpdateReport update;                      // its loss is the sum of those below
  std::vector<double> losses, same_report;  // one a modality
  // Of this rank, as ContrastiveStep has them; the last waits for a GPU to end all that it was asked for.
  double first_pass_s = 0, loss_s = 0, second_pass_s = 0, optimiser_s = 0;
};

class StepRunner {
 public:
  StepRunner(const PretrainOptions& options, PretrainSetup& setup, const World& world);

  // Collective. `batches`: one a modality, of this rank. Throws Error(input) naming the step's studies where
  // loss or gradients are not finite.
  StepReport run(const std::vector<StepBatch>& batches, std::int64_t step);

  WeightUpdate& update() { return update_; }
  const WeightUpdate& update() const { return update_; }

 private:
  ContrastivePart part(std::size_t modality, const StepBatch& batch, std::int64_t step);
  at::Tensor image_of(std::size_t modality, const MicroBatch& micro);

  const PretrainConfig& config_;
  PretrainSetup& setup_;
  const World& world_;
  at::ScalarType compute_;
  WeightUpdate update_;
  std::vector<ImageInput> inputs_;         // one a modality
  std::vector<GradientReducer> reducers_;  // one a modality, of the parameters it uses last
};

}  // namespace pillar
