// AdamW with groups of parameters, the learning rate of a step, clipping, and the loss scale of float16.
#pragma once

#include "pillar/nn/parameters.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// The schedule of every run of ours: pretraining's ends at 0, finetuning's may end above.
struct ScheduleOptions {
  double lr = 2.5e-4;
  std::int64_t warmup_steps = 300;
  std::int64_t total_steps = 0;
  double min_lr = 0;  // below lr
};
// Of step 0, 1, ...: lr * (step + 1) / warmup while warming up, then a cosine that reaches min_lr at
// total_steps and stays there. A group's share of it is its lr_factor times this, min_lr included.
double learning_rate(const ScheduleOptions& options, std::int64_t step);

// The public finetuning code's schedule (CosineAnnealingWarmup), only to repeat its runs: by epochs, min_lr
// absolute and the same for all groups, so that the decay of layers fades, and a min_lr above the base makes
// the rate rise. Past max_epochs the cosine comes back up.
struct EpochScheduleOptions {
  double min_lr = 0;
  std::int64_t warmup_epochs = 0;
  std::int64_t max_epochs = 1;
};
// Of epoch 0, 1, ... for a group whose own rate is base_lr: base_lr * (epoch + 1) / (warmup + 1) while
// warming up, then the cosine from base_lr to min_lr.
double epoch_learning_rate(const EpochScheduleOptions& options, double base_lr, std::int64_t epoch);

// How one group of parameters (Parameter::group) is moved where it differs from the others.
struct GroupOptions {
  std::string group;
  double weight_decay = 0;  // in place of AdamWOptions::weight_decay
  double lr_factor = 1;     // of the step's learning rate
};

// How one tensor is moved: nothing else decides on it.
struct ParameterOptions {
  double lr_factor = 1;     // of the step's learning rate
  double weight_decay = 0;  // also of tensors with fewer than two axes
};

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  // Of tensors with two axes or more; the others (norms, biases, logit_scale) never decay, in no group.
  double weight_decay = 0;
  std::vector<GroupOptions> groups = {};
  // By Parameter::name; wins over the two above (layer_decay() in pillar/train/layer_decay.h makes it).
  std::map<std::string, ParameterOptions> by_name = {};
};

// Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) through LibTorch's fused kernel.
class AdamW {
 public:
  // Takes the trainable ones of `parameters` and changes them in place; those without a gradient are left
  // alone. Throws Error(usage) where `options` names a group or a tensor that is not among them.
  AdamW(const Parameters& parameters, const AdamWOptions& options);
  void step(double lr);  // each tensor by its lr_factor times this
  // Each tensor by lr_of(its lr_factor): schedules that are not the same multiple for all. `left_out`: one
  // float32 number where the parameters are; 1 leaves everything as it is, moments and counts included.
  void step(const std::function<double(double lr_factor)>& lr_of, const at::Tensor& left_out = {});
  const NamedTensors& parameters() const noexcept { return parameters_; }
  // "exp_avg.<name>", "exp_avg_sq.<name>", "step.<name>": views, for checkpoints.
  NamedTensors state() const;
  // Copies; names that are missing or of another shape are Error(input) with the first of them.
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Moments {
    at::Tensor exp_avg, exp_avg_sq, step;
  };
  struct Batch {  // what one call of the kernel moves
    double lr_factor, weight_decay;
    std::vector<std::size_t> members;
  };
  void add_to_batch(std::size_t member, double lr_factor, double weight_decay);
  NamedTensors parameters_;
  std::vector<Moments> moments_;
  std::vector<Batch> batches_;
  AdamWOptions options_;
};

// L2 norm over all gradients (or all values) together, one float32 number where they are, so that nobody has
// to wait for a GPU to know it. Undefined gradients count nothing.
at::Tensor gradient_norm(const NamedTensors& parameters);
at::Tensor weight_norm(const NamedTensors& parameters);

// Scales gradients down so that their norm, which is `norm`, is at most max_norm (as torch's clip_grad_norm_:
// 1e-6 is added to the norm).
void clip_gradients(const NamedTensors& parameters, const at::Tensor& norm, double max_norm);
void clear_gradients(const NamedTensors& parameters);

void clamp_logit_scale(at::Tensor& logit_scale);  // to [0, ln 100], after each step

// float16 gradients are multiplied by `scale` on their way back, so that small ones do not vanish.
struct LossScale {
  double scale = 65536;
  std::int64_t good_steps = 0;  // in a row; 2000 double the scale

  // Divides gradients by the scale.
  void unscale(const NamedTensors& parameters) const;
  // After a step, by whether its gradients were finite: those of a scale that is too large are not, the step
  // is left out and the scale halved.
  void adjust(bool were_finite);
};

}  // namespace pillar
