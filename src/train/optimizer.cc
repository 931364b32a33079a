#include "pillar/train/optimizer.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_zero.h>
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

at::Tensor total_norm(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty()) return at::zeros({}, at::kFloat);
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors, 2)));
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

void AdamW::step(const std::function<double(double lr_factor)>& lr_of, const at::Tensor& left_out) {
  const at::NoGradGuard no_gradients;
  std::optional<at::Tensor> found_inf;
  if (left_out.defined()) found_inf = left_out;
  for (const Batch& batch : batches_) {
    std::vector<at::Tensor> values, grads, exp_avgs, exp_avg_sqs, steps;
    for (const std::size_t i : batch.members) {
      const at::Tensor& parameter = parameters_[i].second;
      if (!parameter.grad().defined()) continue;
      values.push_back(parameter);
      grads.push_back(parameter.grad());
      exp_avgs.push_back(moments_[i].exp_avg);
      exp_avg_sqs.push_back(moments_[i].exp_avg_sq);
      steps.push_back(moments_[i].step);
    }
    if (values.empty()) continue;
    if (left_out.defined())
      at::_foreach_add_(steps, 1 - left_out);
    else
      at::_foreach_add_(steps, 1);
    at::_fused_adamw_(values, grads, exp_avgs, exp_avg_sqs, {}, steps, lr_of(batch.lr_factor), options_.beta1,
                      options_.beta2, batch.weight_decay, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, /*grad_scale=*/{}, found_inf);
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

at::Tensor gradient_norm(const NamedTensors& parameters) {
  const at::NoGradGuard no_gradients;
  return total_norm(gradients(parameters));
}

at::Tensor weight_norm(const NamedTensors& parameters) {
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> values;
  for (const auto& [name, parameter] : parameters) values.push_back(parameter.detach());
  return total_norm(values);
}

void clip_gradients(const NamedTensors& parameters, const at::Tensor& norm, double max_norm) {
  const at::NoGradGuard no_gradients;
  const at::Tensor factor = (max_norm / (norm.to(at::kDouble) + 1e-6)).clamp_max_(1);
  // On a CPU a look costs nothing and may save the multiplication; on a GPU it would wait for the backward.
  if (factor.is_cpu() && factor.item<double>() >= 1) return;
  const std::vector<at::Tensor> grads = gradients(parameters);
  if (!grads.empty()) at::_foreach_mul_(grads, factor.to(at::kFloat));
}

void clear_gradients(const NamedTensors& parameters) {
  const at::NoGradGuard no_gradients;
  const std::vector<at::Tensor> grads = gradients(parameters);
  if (!grads.empty()) at::_foreach_zero_(grads);
}

void clamp_logit_scale(at::Tensor& logit_scale) {
  const at::NoGradGuard no_gradients;
  logit_scale.clamp_(0, std::log(100.0));
}

void LossScale::unscale(const NamedTensors& parameters) const {
  const at::NoGradGuard no_gradients;
  // A power of two: dividing changes no bit of what does not underflow.
  at::_foreach_mul_(gradients(parameters), 1 / scale);
}

void LossScale::adjust(bool were_finite) {
  constexpr std::int64_t kGrowthInterval = 2000;
  if (!were_finite) {
    scale /= 2;
    good_steps = 0;
  } else if (++good_steps == kGrowthInterval) {
    scale *= 2;
    good_steps = 0;
  }
}

}  // namespace pillar
