// Internal: one optimiser step, from loaded batches to moved weights.
#pragma once

#include "pillar/train/contrastive.h"
#include "pillar/train/optimizer.h"

#include "train/pretrain/image_input.h"
#include "train/pretrain/pretrain_setup.h"

#include <string>
#include <vector>

namespace pillar {

struct StepReport {
  ContrastiveStep contrastive;
  double loss = 0, lr = 0, logit_scale = 0, grad_norm = 0;
  double optimiser_s = 0;
  bool left_out = false;  // float16: a gradient overflowed
};

class StepRunner {
 public:
  StepRunner(const PretrainOptions& options, PretrainSetup& setup, const World& world);

  // Collective. `batches`: one a modality, of this rank. Throws Error(input) naming the step's studies where
  // loss or gradients are not finite.
  StepReport run(const std::vector<StepBatch>& batches, std::int64_t step);

  AdamW& optimizer() { return optimizer_; }
  LossScale& loss_scale() { return loss_scale_; }
  // Moving averages of parameters by name; empty where there are none.
  const NamedTensors& average() const { return average_; }
  void start_average();  // from the weights as they are

 private:
  ContrastivePart part(std::size_t modality, const StepBatch& batch, std::int64_t step);
  void update(std::int64_t step, StepReport& report);
  void share_statistics();  // BatchNorm's running ones: their mean over ranks
  void move_average();

  const PretrainConfig& config_;
  PretrainSetup& setup_;
  const World& world_;
  at::ScalarType compute_;
  ScheduleOptions schedule_;
  AdamW optimizer_;
  LossScale loss_scale_;
  NamedTensors average_;
  std::vector<ImageInput> inputs_;         // one a modality
  std::vector<GradientReducer> reducers_;  // one a modality, of the parameters it uses last
};

}  // namespace pillar
