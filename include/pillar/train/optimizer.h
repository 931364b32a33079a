// AdamW with decay groups, the learning rate of a step, clipping, and the loss scale of float16.
#pragma once

#include "pillar/nn/named_tensors.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ScheduleOptions {
  double lr = 2.5e-4;
  std::int64_t warmup_steps = 300;
  std::int64_t total_steps = 0;
};
// Of step 0, 1, ...: lr * (step + 1) / warmup while warming up, then a cosine that reaches 0 at total_steps.
double learning_rate(const ScheduleOptions& options, std::int64_t step);

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay =
      0;  // of tensors with two axes or more; the others (norms, biases, logit_scale) never decay
};

// Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) through LibTorch's fused kernel.
class AdamW {
 public:
  // Changes the tensors in place; those without a gradient are left alone.
  AdamW(NamedTensors parameters, const AdamWOptions& options);
  void step(double lr);
  const NamedTensors& parameters() const noexcept { return parameters_; }
  // "exp_avg.<name>", "exp_avg_sq.<name>", "step.<name>": views, for checkpoints.
  NamedTensors state() const;
  // Copies; names that are missing or of another shape are Error(input) with the first of them.
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Moments {
    at::Tensor exp_avg, exp_avg_sq, step;
  };
  NamedTensors parameters_;
  std::vector<Moments> moments_;
  AdamWOptions options_;
};

// L2 norm over all gradients (or all values) together. Undefined gradients count nothing.
double gradient_norm(const NamedTensors& parameters);
double weight_norm(const NamedTensors& parameters);

// Scales gradients down so that their norm, which is `norm`, is at most max_norm (as torch's clip_grad_norm_:
// 1e-6 is added to the norm).
void clip_gradients(const NamedTensors& parameters, double norm, double max_norm);
void clear_gradients(const NamedTensors& parameters);

void clamp_logit_scale(at::Tensor& logit_scale);  // to [0, ln 100], after each step

// float16 gradients are multiplied by `scale` on their way back, so that small ones do not vanish.
struct LossScale {
  double scale = 65536;
  std::int64_t good_steps = 0;  // in a row; 2000 double the scale

  // Divides gradients by the scale; false where one is not finite: that step is left out and the scale
  // halved.
  bool unscale(const NamedTensors& parameters);
};

}  // namespace pillar
