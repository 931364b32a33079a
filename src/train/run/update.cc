#include "train/run/update.h"

#include "pillar/core/fail.h"

#include <cmath>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/cat.h>

namespace pillar {
namespace {

// The gradients' norm, the loss, then the others, as one float64 tensor where the gradients are.
at::Tensor gathered(const at::Tensor& norm, const at::Tensor& loss, const std::vector<at::Tensor>& numbers) {
  std::vector<at::Tensor> all = {norm, loss};
  all.insert(all.end(), numbers.begin(), numbers.end());
  for (at::Tensor& one : all) one = one.detach().to(norm.device(), at::kDouble).reshape({1});
  return at::cat(all);
}

}  // namespace

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

UpdateReport WeightUpdate::apply(std::int64_t step, const StudyNames& studies, const at::Tensor& loss,
                                 const std::vector<at::Tensor>& numbers) {
  const at::NoGradGuard no_gradients;
  const NamedTensors& parameters = optimizer_.parameters();
  if (options_.scale_loss) loss_scale_.unscale(parameters);
  const at::Tensor norm = gradient_norm(parameters);
  const at::Tensor seen = gathered(norm, loss, numbers);
  const at::Tensor left_out = seen.narrow(0, 0, 2).isfinite().all().logical_not().to(at::kFloat);
  const auto rate = [&](double lr_factor) {
    return options_.rate ? options_.rate(step, lr_factor)
                         : lr_factor * learning_rate(options_.schedule, step);
  };
  if (options_.clip_norm > 0) clip_gradients(parameters, norm, options_.clip_norm);
  optimizer_.step(rate, left_out);
  if (options_.bound_weights) options_.bound_weights();
  clear_gradients(parameters);
  share_statistics();
  move_average();
  return report(step, studies, rate(1), seen);
}

// Where the host waits for the step.
UpdateReport WeightUpdate::report(std::int64_t step, const StudyNames& studies, double lr,
                                  const at::Tensor& seen) {
  const at::Tensor here = seen.cpu();
  const auto* number = here.const_data_ptr<double>();
  UpdateReport report;
  report.lr = lr;
  report.grad_norm = number[0];
  report.loss = number[1];
  report.numbers.assign(number + 2, number + here.numel());
  require_finite("the loss", report.loss, step, studies);
  const bool finite = std::isfinite(report.grad_norm);
  report.left_out = options_.scale_loss && !finite;
  if (options_.scale_loss) loss_scale_.adjust(finite);
  if (!report.left_out) require_finite("the gradients' norm", report.grad_norm, step, studies);
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
