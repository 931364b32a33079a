#include "train/finetune/finetune_step.h"

#include "pillar/core/random.h"
#include "pillar/data/rotation.h"
#include "pillar/train/layer_decay.h"

#include "device/shared/cuda_tensor.h"
#include "device/shared/profiled_range.h"
#include "train/run/batching.h"
#include "train/run/clock.h"
#include "train/run/empty_backward.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

std::vector<at::Tensor> trainable_tensors(const Parameters& parameters) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : parameters.of_kind(ParameterKind::trainable)) tensors.push_back(tensor);
  return tensors;
}

// What the optimiser does not move asks for no gradient, so that no backward is run for it.
std::vector<at::Tensor> require_gradients(const FinetunedModel& model, const Parameters& trained) {
  for (const auto& [name, tensor] : model.parameters().of_kind(ParameterKind::trainable))
    tensor.requires_grad_(trained.find(name) != nullptr);
  return trainable_tensors(trained);
}

// The rate of step 0, 1, ... for a tensor whose own is `lr_factor` of the configuration's. The steps are the
// setup's at the time: a run that goes on with other studies may have more or fewer.
std::function<double(std::int64_t, double)> rate_of(const FinetuneConfig& config,
                                                    const FinetuneSetup& setup) {
  if (config.public_schedule) {
    const EpochScheduleOptions schedule{config.min_lr, std::llround(config.warmup_epochs), config.epochs};
    return [schedule, lr = config.lr, &setup](std::int64_t step, double lr_factor) {
      return epoch_learning_rate(schedule, lr * lr_factor, step / setup.steps_per_epoch);
    };
  }
  const auto warmup = std::llround(config.warmup_epochs * static_cast<double>(setup.steps_per_epoch));
  return [&config, &setup, warmup](std::int64_t step, double lr_factor) {
    return lr_factor * learning_rate({config.lr, warmup, setup.total_steps, config.min_lr}, step);
  };
}

UpdateOptions update_options(const FinetuneConfig& config, const FinetuneSetup& setup,
                             const Parameters& trained) {
  UpdateOptions options;
  options.rate = rate_of(config, setup);
  options.adamw = config.adamw;
  options.adamw.by_name =
      layer_decay(trained, {setup.atlas.stages, config.layer_decay, config.adamw.weight_decay});
  const Parameters heads = head_parameters(*setup.model);
  for (auto& [name, own] : options.adamw.by_name) {
    if (heads.find(name) != nullptr) own.lr_factor *= config.head_lr_factor;
  }
  options.clip_norm = config.clip_norm;
  options.average_decay = config.ema_decay;
  options.scale_loss = config.precision == Precision::fp16;
  return options;
}

}  // namespace

FinetuneStepRunner::FinetuneStepRunner(const FinetuneOptions& options, FinetuneSetup& setup,
                                       const World& world)
    : config_(options.config),
      setup_(setup),
      world_(world),
      compute_(compute_type(config_.precision)),
      trained_(trained_parameters(*setup.model, config_.freeze)),
      head_tensors_(trainable_tensors(head_parameters(*setup.model))),
      trained_tensors_(require_gradients(*setup.model, trained_)),
      head_reducer_(world, head_tensors_),
      trained_reducer_(world, trained_tensors_),
      update_(trained_, update_options(config_, setup, trained_), world),
      loss_(config_, setup.table, options.device),
      input_(setup.windows, setup.spec.pad_value, options.device, compute_) {}

bool FinetuneStepRunner::only_heads(std::int64_t step) const {
  return config_.freeze == Freeze::backbone || step < config_.probe_epochs * setup_.steps_per_epoch;
}

FinetunedPass FinetuneStepRunner::pass_of(const MicroBatch& micro, std::int64_t step) const {
  FinetunedPass pass;
  pass.atlas = training_pass(config_, setup_.model->device());
  // Of the micro-batch, whoever runs it: the same draws on any number of processes.
  pass.atlas.seed =
      mix_seed({config_.seed, static_cast<std::uint64_t>(step), 0, static_cast<std::uint64_t>(micro.index)});
  pass.atlas.frozen_patch_embed = config_.freeze == Freeze::stem;
  if (config_.sync_batchnorm && world_.size() > 1) {
    pass.atlas.sum_over_processes = [this](const at::Tensor& own) {
      return world_.all_reduce_sum_autograd(own);
    };
  }
  pass.frozen_tower = only_heads(step);
  pass.want_detection = loss_.wants_detection();
  return pass;
}

at::Tensor FinetuneStepRunner::image_of(const MicroBatch& micro, const std::vector<double>& degrees) {
  const ProfiledRange range("windows", setup_.model->device());
  return input_(micro.voxels_bcdhw, degrees);
}

LossWithTerms FinetuneStepRunner::micro_loss(const MicroBatch& micro, std::int64_t step) {
  const std::vector<double> degrees = draw_rotations(micro.study_seeds, config_.rotation);
  MicroTargets targets;
  targets.values = values_of(setup_.table, setup_.train, micro.studies);
  targets.laterality_b3 = laterality_of(setup_.table, setup_.train, micro.studies);
  if (loss_.wants_masks() && micro.masks_bdhw.defined())
    targets.masks_bdhw = rotate_mask_in_plane(queued_to(micro.masks_bdhw, setup_.model->device()), degrees);
  const FinetunedOutput output = setup_.model->forward(image_of(micro, degrees), pass_of(micro, step));
  const ProfiledRange range("loss", setup_.model->device());
  return loss_(output, targets);
}

FinetuneStepReport FinetuneStepRunner::run(const StepBatch& batch, std::int64_t step) {
  const StudyNames studies = [&batch] { return study_names({&batch, 1}); };
  const std::vector<std::string> names = loss_.term_names();
  GradientReducer& reducer = only_heads(step) ? head_reducer_ : trained_reducer_;
  const std::vector<at::Tensor>& tensors = only_heads(step) ? head_tensors_ : trained_tensors_;
  at::Tensor micros = at::zeros({1}, at::kDouble);
  micros.fill_(static_cast<double>(batch.micro_batches.size()));
  world_.all_reduce_sum(micros);
  const double share = 1 / micros.item<double>();
  // This rank's part of the loss and of its terms, in the order of names.
  at::Tensor sums = at::zeros({1 + static_cast<std::int64_t>(names.size())},
                              at::TensorOptions().dtype(at::kDouble).device(setup_.model->device()));
  FinetuneStepReport report;
  for (std::size_t i = 0; i < batch.micro_batches.size(); ++i) {
    const double started = steady_seconds();
    LossWithTerms loss = micro_loss(batch.micro_batches[i], step);
    sums[0] += loss.total.detach() * share;
    for (std::size_t t = 0; t < loss.terms.size(); ++t)
      sums[static_cast<std::int64_t>(t) + 1] += loss.terms[t].second * share;
    const double forward_done = steady_seconds();
    report.forward_s += forward_done - started;
    at::Tensor scaled = loss.total * (share * update_.gradient_scale());
    if (i + 1 == batch.micro_batches.size()) {
      reducer.expect_backward();
      if (world_.size() > 1) scaled = scaled + zero_of(tensors);
    }
    const ProfiledRange range("backward", setup_.model->device());
    torch::autograd::backward({scaled}, {});
    report.backward_s += steady_seconds() - forward_done;
  }
  if (batch.micro_batches.empty()) {
    reducer.expect_backward();
    backward_of_nothing(tensors);
  }
  world_.all_reduce_sum(sums);
  reducer.require_reduced();
  const ProfiledRange range("update", setup_.model->device());
  const double started = steady_seconds();
  const std::vector<at::Tensor> numbers = sums.unbind();
  report.update = update_.apply(step, studies, numbers[0], {numbers.begin() + 1, numbers.end()});
  report.loss = report.update.loss;
  for (std::size_t t = 0; t < names.size(); ++t)
    report.terms.emplace_back(names[t], report.update.numbers[t]);
  report.optimiser_s = steady_seconds() - started;
  return report;
}

}  // namespace pillar
