#include "train/pretrain/pretrain_step.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include "train/run/clock.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

// Gradients of zero for all: the reducer waits for every parameter, also on a rank that has no study.
void backward_of_nothing(const std::vector<at::Tensor>& parameters) {
  const at::AutoGradMode mode(true);
  at::Tensor nothing = at::zeros({}, parameters.front().options().requires_grad(false));
  for (const at::Tensor& parameter : parameters) nothing = nothing + parameter.sum() * 0;
  torch::autograd::backward({nothing}, {});
}

std::string study_names(const std::vector<StepBatch>& batches) {
  std::string names;
  for (const StepBatch& batch : batches) {
    for (const MicroBatch& micro : batch.micro_batches) {
      for (const std::string& name : micro.names) names += (names.empty() ? "" : ", ") + name;
    }
  }
  return names.empty() ? "none on this rank" : names;
}

}  // namespace

StepRunner::StepRunner(const PretrainOptions& options, PretrainSetup& setup, const World& world)
    : config_(options.config),
      setup_(setup),
      world_(world),
      compute_(compute_type(config_.precision)),
      schedule_{config_.lr, config_.warmup_steps, setup.total_steps},
      optimizer_(setup.model->parameters(), config_.adamw) {
  for (std::size_t m = 0; m < setup.modalities.size(); ++m) {
    inputs_.emplace_back(setup.modalities[m], options.device, compute_);
    reducers_.emplace_back(world, setup.model->parameters_of(m));
  }
  if (config_.ema_decay > 0) start_average();
}

ContrastivePart StepRunner::part(std::size_t modality, const StepBatch& batch, std::int64_t step) {
  ContrastivePart part;
  part.micro_batches = static_cast<std::int64_t>(batch.micro_batches.size());
  part.width = setup_.model->readout_width();
  part.image_rows = [this, modality, &batch, step](std::int64_t i, bool with_gradients) {
    const MicroBatch& micro = batch.micro_batches[static_cast<std::size_t>(i)];
    AtlasPass pass;
    pass.train = true;
    pass.compute = compute_;
    // Of the micro-batch, whoever runs it: the same draws in both passes and on any number of processes.
    pass.seed = mix_seed(
        {config_.seed, static_cast<std::uint64_t>(step), modality, static_cast<std::uint64_t>(micro.index)});
    pass.checkpoint_blocks = config_.checkpoint_blocks && with_gradients;
    pass.update_statistics = with_gradients || config_.public_bn_double_update;
    if (config_.sync_batchnorm && world_.size() > 1)
      pass.sum_over_processes = [this](const at::Tensor& own) { return world_.all_reduce_sum_autograd(own); };
    const at::Tensor image =
        inputs_[modality](micro.voxels_bcdhw, draw_rotations(micro.study_seeds, config_.rotation));
    return setup_.model->image_rows(setup_.modalities[modality].name, image, pass);
  };
  part.text_rows = [this, &batch] {
    std::vector<at::Tensor> texts;
    for (const MicroBatch& micro : batch.micro_batches) texts.push_back(micro.text_bw);
    return setup_.model->text_rows(at::cat(texts), compute_);
  };
  part.before_last_backward = [this, modality, &batch] {
    reducers_[modality].expect_backward();
    if (batch.micro_batches.empty() && world_.size() > 1)
      backward_of_nothing(setup_.model->parameters_of(modality));
  };
  return part;
}

StepReport StepRunner::run(const std::vector<StepBatch>& batches, std::int64_t step) {
  StepReport report;
  std::vector<ContrastivePart> parts;
  for (std::size_t m = 0; m < batches.size(); ++m) parts.push_back(part(m, batches[m], step));
  const bool scaled = compute_ == at::kHalf;
  report.contrastive =
      add_contrastive_gradients(parts, setup_.model->logit_scale(), world_, scaled ? loss_scale_.scale : 1);
  for (const double loss : report.contrastive.losses) report.loss += loss;
  if (!std::isfinite(report.loss)) {
    fail(ErrorCategory::input, "step {}: the loss is {}; studies of this step: {}", step, report.loss,
         study_names(batches));
  }
  for (const GradientReducer& reducer : reducers_) reducer.require_reduced();
  const double started = steady_seconds();
  world_.broadcast(setup_.model->logit_scale().mutable_grad());
  const NamedTensors& parameters = setup_.model->parameters();
  report.left_out = scaled && !loss_scale_.unscale(parameters);
  report.grad_norm = gradient_norm(parameters);
  if (!report.left_out && !std::isfinite(report.grad_norm)) {
    fail(ErrorCategory::input, "step {}: the gradients' norm is {}; studies of this step: {}", step,
         report.grad_norm, study_names(batches));
  }
  update(step, report);
  report.optimiser_s = steady_seconds() - started;
  return report;
}

void StepRunner::update(std::int64_t step, StepReport& report) {
  const NamedTensors& parameters = setup_.model->parameters();
  report.lr = learning_rate(schedule_, step);
  if (!report.left_out) {
    if (config_.clip_norm > 0) clip_gradients(parameters, report.grad_norm, config_.clip_norm);
    optimizer_.step(report.lr);
    clamp_logit_scale(setup_.model->logit_scale());
  }
  clear_gradients(parameters);
  share_statistics();
  move_average();
  report.logit_scale = setup_.model->logit_scale().item<double>();
}

void StepRunner::share_statistics() {
  if (world_.size() == 1) return;
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> statistics, flat;
  for (const auto& [name, tensor] : setup_.model->buffers()) {
    if (!tensor.is_floating_point()) continue;
    statistics.push_back(tensor);
    flat.push_back(tensor.flatten());
  }
  at::Tensor all = at::cat(flat);
  world_.all_reduce_sum(all);
  all.div_(static_cast<double>(world_.size()));
  std::int64_t first = 0;
  for (at::Tensor& tensor : statistics) {
    tensor.copy_(all.narrow(0, first, tensor.numel()).view(tensor.sizes()));
    first += tensor.numel();
  }
}

void StepRunner::start_average() {
  average_.clear();
  for (const auto& [name, tensor] : setup_.model->parameters())
    average_.emplace_back(name, tensor.detach().clone());
}

void StepRunner::move_average() {
  if (average_.empty()) return;
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> averages, values;
  for (std::size_t i = 0; i < average_.size(); ++i) {
    averages.push_back(average_[i].second);
    values.push_back(setup_.model->parameters()[i].second.detach());
  }
  at::_foreach_lerp_(averages, values, 1 - config_.ema_decay);
}

}  // namespace pillar
