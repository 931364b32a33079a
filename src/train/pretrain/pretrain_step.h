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
  ContrastiveStep contrastive;
  UpdateReport update;
  double loss = 0, logit_scale = 0;
  double optimiser_s = 0;
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

  const PretrainConfig& config_;
  PretrainSetup& setup_;
  const World& world_;
  at::ScalarType compute_;
  WeightUpdate update_;
  std::vector<ImageInput> inputs_;         // one a modality
  std::vector<GradientReducer> reducers_;  // one a modality, of the parameters it uses last
};

}  // namespace pillar
