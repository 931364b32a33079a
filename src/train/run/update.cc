#include "train/run/update.h"

#include "pillar/core/fail.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/cat.h>

namespace pillar {

WeightMap averaged_weights(const WeightMap& weights, const NamedTensors& average) {
  WeightMap averaged;
  for (const auto& [name, tensor] : weights) averaged.emplace(name, tensor.detach());
  for (const auto& [name, tensor] : average) averaged[name] = tensor;
  return averaged;
}

void require_finite(const char* what, double value, std::int64_t step, const StudyNames& studies) {
  if (std::isfinite(value)) return;
  fail(ErrorCategory::input, "step {}: {} is {}; studies of this step: {}", step, what, value, studies());
}

WeightUpdate::WeightUpdate(const Parameters& parameters, const UpdateOptions& options, const World& world)
    : options_(options), world_(world), optimizer_(parameters, options.adamw) {
  for (const auto& [name, tensor] : parameters.of_kind(ParameterKind::buffer)) {
    if (tensor.is_floating_point()) statistics_.push_back(tensor);
  }
  if (options.average_decay > 0) start_average();
}

UpdateReport WeightUpdate::apply(std::int64_t step, const StudyNames& studies) {
  const NamedTensors& parameters = optimizer_.parameters();
  UpdateReport report;
  report.left_out = options_.scale_loss && !loss_scale_.unscale(parameters);
  report.grad_norm = gradient_norm(parameters);
  if (!report.left_out) require_finite("the gradients' norm", report.grad_norm, step, studies);
  const auto rate = [&](double lr_factor) {
    return options_.rate ? options_.rate(step, lr_factor)
                         : lr_factor * learning_rate(options_.schedule, step);
  };
  report.lr = rate(1);
  if (!report.left_out) {
    if (options_.clip_norm > 0) clip_gradients(parameters, report.grad_norm, options_.clip_norm);
    optimizer_.step(rate);
    if (options_.bound_weights) options_.bound_weights();
  }
  clear_gradients(parameters);
  share_statistics();
  move_average();
  return report;
}

void WeightUpdate::share_statistics() {
  if (world_.size() == 1 || statistics_.empty()) return;
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : statistics_) flat.push_back(tensor.flatten());
  at::Tensor all = at::cat(flat);
  world_.all_reduce_sum(all);
  all.div_(static_cast<double>(world_.size()));
  std::int64_t first = 0;
  for (at::Tensor& tensor : statistics_) {
    tensor.copy_(all.narrow(0, first, tensor.numel()).view(tensor.sizes()));
    first += tensor.numel();
  }
}

void WeightUpdate::start_average() {
  average_.clear();
  for (const auto& [name, tensor] : optimizer_.parameters())
    average_.emplace_back(name, tensor.detach().clone());
}

void WeightUpdate::move_average() {
  if (average_.empty()) return;
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> averages, values;
  for (std::size_t i = 0; i < average_.size(); ++i) {
    averages.push_back(average_[i].second);
    values.push_back(optimizer_.parameters()[i].second.detach());
  }
  at::_foreach_lerp_(averages, values, 1 - options_.average_decay);
}

}  // namespace pillar
