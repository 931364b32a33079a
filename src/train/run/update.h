// Internal: from gradients to moved weights, the same for every kind of training.
#pragma once

#include "pillar/nn/weight_files.h"
#include "pillar/train/optimizer.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pillar {

struct UpdateOptions {
  ScheduleOptions schedule;
  AdamWOptions adamw;
  double clip_norm = 0;      // 0: gradients are not clipped
  double average_decay = 0;  // of the moving average of the weights; 0: there is none
  bool scale_loss = false;   // float16: the loss is multiplied by gradient_scale() before its backward
  // Called after each optimiser step, before the average takes the weights in: keeps them where they have to
  // stay (logit_scale, say). May be empty.
  std::function<void()> bound_weights;
  // The learning rate of a step for a tensor of this lr_factor; empty: lr_factor times what `schedule` says.
  std::function<double(std::int64_t step, double lr_factor)> rate = {};
};

struct UpdateReport {
  double lr = 0, loss = 0, grad_norm = 0;
  std::vector<double> numbers;  // of the step, as they were given
  bool left_out = false;        // float16: a gradient overflowed, so the optimiser made no step
};

// What the messages of this file name a step's studies by: called only where something is wrong.
using StudyNames = std::function<std::string()>;

// A model's weights with their moving averages in their places, where there are some.
WeightMap averaged_weights(const WeightMap& weights, const NamedTensors& average);

// Throws Error(input) naming step and studies where `value` (what: "the loss") is not finite.
void require_finite(const char* what, double value, std::int64_t step, const StudyNames& studies);

class WeightUpdate {
 public:
  // The trainable ones of `parameters` are moved; of the buffers with floating point (BatchNorm's running
  // statistics) every rank takes the mean over ranks after each step.
  WeightUpdate(const Parameters& parameters, const UpdateOptions& options, const World& world);

  double gradient_scale() const { return options_.scale_loss ? loss_scale_.scale : 1; }
  // Collective, when every parameter's gradient is there, summed over ranks. Clears the gradients.
  // `loss` and what else of the step is to be reported (`numbers`): a number each, on any device, the same on
  // all ranks. The host reads them at the end, with the gradients' norm, and waits for a GPU nowhere else.
  // Throws Error(input) naming step and studies where loss or norm is not finite; the weights are then as
  // they were.
  UpdateReport apply(std::int64_t step, const StudyNames& studies, const at::Tensor& loss,
                     const std::vector<at::Tensor>& numbers = {});

  AdamW& optimizer() { return optimizer_; }
  const AdamW& optimizer() const { return optimizer_; }
  LossScale& loss_scale() { return loss_scale_; }
  const LossScale& loss_scale() const { return loss_scale_; }
  // Moving averages of the parameters by name; empty where there are none.
  const NamedTensors& average() const { return average_; }
  void start_average();  // from the weights as they are

 private:
  UpdateReport report(std::int64_t step, const StudyNames& studies, double lr, const at::Tensor& seen);
  void share_statistics();
  void move_average();

  UpdateOptions options_;
  const World& world_;
  AdamW optimizer_;
  LossScale loss_scale_;
  std::vector<at::Tensor> statistics_;
  NamedTensors average_;
};

}  // namespace pillar
