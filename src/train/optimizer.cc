#include "pillar/train/optimizer.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

namespace pillar {
namespace {

std::vector<at::Tensor> gradients(const NamedTensors& parameters) {
  std::vector<at::Tensor> grads;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) grads.push_back(parameter.grad());
  }
  return grads;
}

double total_norm(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty()) return 0;
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors, 2))).item<double>();
}

ParameterOptions options_of(const Parameter& parameter, const AdamWOptions& options) {
  const auto own = options.by_name.find(parameter.name);
  if (own != options.by_name.end()) return own->second;
  ParameterOptions found{1, options.weight_decay};
  for (const GroupOptions& group : options.groups) {
    if (group.group == parameter.group) {
      found = {group.lr_factor, group.weight_decay};
      break;
    }
  }
  if (parameter.tensor.dim() < 2) found.weight_decay = 0;
  return found;
}

void check_options(const Parameters& parameters, const AdamWOptions& options) {
  for (const auto& [name, own] : options.by_name) {
    const Parameter* parameter = parameters.find(name);
    if (parameter == nullptr || parameter->kind != ParameterKind::trainable)
      fail(ErrorCategory::usage, "no trainable parameter is called '{}'", name);
  }
  for (const GroupOptions& group : options.groups) {
    const bool known = std::any_of(parameters.begin(), parameters.end(), [&](const Parameter& parameter) {
      return parameter.group == group.group && parameter.kind == ParameterKind::trainable;
    });
    if (!known) fail(ErrorCategory::usage, "no trainable parameter is of group '{}'", group.group);
  }
}

// From `first` at part 0 to `last` at part 1 of the way.
double cosine_between(double first, double last, double part) {
  return last + (first - last) * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

}  // namespace

double learning_rate(const ScheduleOptions& options, std::int64_t step) {
  const auto at = static_cast<double>(step), warmup = static_cast<double>(options.warmup_steps),
             total = static_cast<double>(options.total_steps);
  if (step < options.warmup_steps) return options.lr * (at + 1) / warmup;
  if (step >= options.total_steps) return options.min_lr;
  return cosine_between(options.lr, options.min_lr, (at - warmup) / (total - warmup));
}

double epoch_learning_rate(const EpochScheduleOptions& options, double base_lr, std::int64_t epoch) {
  const auto at = static_cast<double>(epoch), warmup = static_cast<double>(options.warmup_epochs),
             end = static_cast<double>(options.max_epochs);
  if (epoch < options.warmup_epochs) return base_lr * (at + 1) / (warmup + 1);
  return cosine_between(base_lr, options.min_lr, (at - warmup) / (end - warmup));
}

AdamW::AdamW(const Parameters& parameters, const AdamWOptions& options)
    : parameters_(parameters.of_kind(ParameterKind::trainable)), options_(options) {
  check_options(parameters, options);
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, parameter] = parameters_[i];
    moments_.push_back({at::zeros_like(parameter), at::zeros_like(parameter),
                        at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false))});
    const ParameterOptions own = options_of(*parameters.find(name), options);
    add_to_batch(i, own.lr_factor, own.weight_decay);
  }
}

void AdamW::add_to_batch(std::size_t member, double lr_factor, double weight_decay) {
  auto batch = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& each) {
    return each.lr_factor == lr_factor && each.weight_decay == weight_decay;
  });
  if (batch == batches_.end()) batch = batches_.insert(batch, {lr_factor, weight_decay, {}});
  batch->members.push_back(member);
}

void AdamW::step(double lr) {
  step([lr](double lr_factor) { return lr * lr_factor; });
}

void AdamW::step(const std::function<double(double lr_factor)>& lr_of) {
  const at::NoGradGuard no_gradients;
  for (const Batch& batch : batches_) {
    std::vector<at::Tensor> values, grads, exp_avgs, exp_avg_sqs, steps;
    for (const std::size_t i : batch.members) {
      const at::Tensor& parameter = parameters_[i].second;
      if (!parameter.grad().defined()) continue;
      values.push_back(parameter);
      grads.push_back(parameter.grad());
      exp_avgs.push_back(moments_[i].exp_avg);
      exp_avg_sqs.push_back(moments_[i].exp_avg_sq);
      steps.push_back(moments_[i].step.add_(1));
    }
    if (values.empty()) continue;
    at::_fused_adamw_(values, grads, exp_avgs, exp_avg_sqs, {}, steps, lr_of(batch.lr_factor), options_.beta1,
                      options_.beta2, batch.weight_decay, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

NamedTensors AdamW::state() const {
  NamedTensors state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    state.emplace_back(fmt::format("exp_avg.{}", name), moments_[i].exp_avg);
    state.emplace_back(fmt::format("exp_avg_sq.{}", name), moments_[i].exp_avg_sq);
    state.emplace_back(fmt::format("step.{}", name), moments_[i].step);
  }
  return state;
}

void AdamW::load_state(const std::map<std::string, at::Tensor>& state) {
  const at::NoGradGuard no_gradients;
  for (auto& [name, mine] : this->state()) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != mine.sizes())
      fail(ErrorCategory::input, "the optimiser's state has no tensor {} of this model's shape", name);
    mine.copy_(found->second);
  }
}

double gradient_norm(const NamedTensors& parameters) {
  const at::NoGradGuard no_gradients;
  return total_norm(gradients(parameters));
}

double weight_norm(const NamedTensors& parameters) {
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> values;
  for (const auto& [name, parameter] : parameters) values.push_back(parameter.detach());
  return total_norm(values);
}

void clip_gradients(const NamedTensors& parameters, double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return;
  const at::NoGradGuard no_gradients;
  at::_foreach_mul_(gradients(parameters), factor);
}

void clear_gradients(const NamedTensors& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) parameter.grad().zero_();
  }
}

void clamp_logit_scale(at::Tensor& logit_scale) {
  const at::NoGradGuard no_gradients;
  logit_scale.clamp_(0, std::log(100.0));
}

bool LossScale::unscale(const NamedTensors& parameters) {
  constexpr std::int64_t kGrowthInterval = 2000;
  const at::NoGradGuard no_gradients;
  // A power of two: dividing changes no bit of what does not underflow.
  at::_foreach_mul_(gradients(parameters), 1 / scale);
  if (!std::isfinite(gradient_norm(parameters))) {
    scale /= 2;
    good_steps = 0;
    return false;
  }
  if (++good_steps == kGrowthInterval) {
    scale *= 2;
    good_steps = 0;
  }
  return true;
}

}  // namespace pillar
