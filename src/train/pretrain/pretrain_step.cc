#include "train/pretrain/pretrain_step.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include "device/shared/profiled_range.h"
#include "train/run/clock.h"
#include "train/run/empty_backward.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

namespace pillar {
namespace {

UpdateOptions update_options(const PretrainConfig& config, PretrainSetup& setup) {
  UpdateOptions options;
  // The steps are the setup's at the time: a run that goes on with other studies may have more or fewer.
  options.rate = [&config, &setup](std::int64_t step, double lr_factor) {
    return lr_factor * learning_rate({config.lr, config.warmup_steps, setup.total_steps}, step);
  };
  options.adamw = config.adamw;
  options.clip_norm = config.clip_norm;
  options.average_decay = config.ema_decay;
  options.scale_loss = config.precision == Precision::fp16;
  options.bound_weights = [&model = *setup.model] { clamp_logit_scale(model.logit_scale()); };
  return options;
}

}  // namespace

StepRunner::StepRunner(const PretrainOptions& options, PretrainSetup& setup, const World& world)
    : config_(options.config),
      setup_(setup),
      world_(world),
      compute_(compute_type(config_.precision)),
      update_(setup.model->parameters(), update_options(config_, setup), world) {
  for (std::size_t m = 0; m < setup.modalities.size(); ++m) {
    inputs_.emplace_back(setup.modalities[m].windows, setup.modalities[m].train.spec.pad_value,
                         options.device, compute_);
    reducers_.emplace_back(world, setup.model->parameters_of(m));
  }
}

ContrastivePart StepRunner::part(std::size_t modality, const StepBatch& batch, std::int64_t step) {
  ContrastivePart part;
  part.micro_batches = static_cast<std::int64_t>(batch.micro_batches.size());
  part.width = setup_.model->readout_width();
  const std::vector<std::int64_t>& reports = setup_.modalities[modality].train_reports;
  for (const MicroBatch& micro : batch.micro_batches) {
    for (const std::int64_t study : micro.studies)
      part.reports.push_back(reports[static_cast<std::size_t>(study)]);
  }
  part.image_embeddings = [this, modality, &batch, step](std::int64_t i, bool with_gradients) {
    const MicroBatch& micro = batch.micro_batches[static_cast<std::size_t>(i)];
    AtlasPass pass = training_pass(config_, setup_.model->device());
    pass.execution.gradients = with_gradients;
    // Of the micro-batch, whoever runs it: the same draws in both passes and on any number of processes.
    pass.seed = mix_seed(
        {config_.seed, static_cast<std::uint64_t>(step), modality, static_cast<std::uint64_t>(micro.index)});
    pass.update_statistics = with_gradients || config_.public_bn_double_update;
    if (config_.sync_batchnorm && world_.size() > 1)
      pass.sum_over_processes = [this](const at::Tensor& own) { return world_.all_reduce_sum_autograd(own); };
    return setup_.model->image_embeddings(setup_.modalities[modality].name, image_of(modality, micro), pass);
  };
  part.text_embeddings = [this, modality, &batch] {
    std::vector<at::Tensor> texts;
    for (const MicroBatch& micro : batch.micro_batches)
      texts.push_back(texts_of(setup_.modalities[modality].train, micro.studies));
    return setup_.model->text_embeddings(at::cat(texts), compute_);
  };
  part.before_last_backward = [this, modality, &batch] {
    reducers_[modality].expect_backward();
    if (batch.micro_batches.empty() && world_.size() > 1)
      backward_of_nothing(setup_.model->parameters_of(modality));
  };
  return part;
}

at::Tensor StepRunner::image_of(std::size_t modality, const MicroBatch& micro) {
  const ProfiledRange range("windows", setup_.model->device());
  return inputs_[modality](micro.voxels_bcdhw, draw_rotations(micro.study_seeds, config_.rotation));
}

StepReport StepRunner::run(const std::vector<StepBatch>& batches, std::int64_t step) {
  const StudyNames studies = [&batches] { return study_names(batches); };
  at::Tensor& logit_scale = setup_.model->logit_scale();
  StepReport report;
  std::vector<ContrastivePart> parts;
  for (std::size_t m = 0; m < batches.size(); ++m) parts.push_back(part(m, batches[m], step));
  const ContrastiveStep given = add_contrastive_gradients(
      parts, logit_scale, world_, update_.gradient_scale(), config_.loss, setup_.model->logit_bias());
  for (const GradientReducer& reducer : reducers_) reducer.require_reduced();
  const ProfiledRange range("update", setup_.model->device());
  const double started = steady_seconds();
  world_.broadcast(logit_scale.mutable_grad());
  at::Tensor& logit_bias = setup_.model->logit_bias();
  if (logit_bias.defined() && logit_bias.grad().defined()) world_.broadcast(logit_bias.mutable_grad());
  at::Tensor loss = given.losses[0].to(at::kDouble);
  for (std::size_t m = 1; m < given.losses.size(); ++m) loss = loss + given.losses[m];
  std::vector<at::Tensor> numbers = given.losses;
  numbers.insert(numbers.end(), given.same_report.begin(), given.same_report.end());
  report.update = update_.apply(step, studies, loss, numbers);
  const auto middle = report.update.numbers.begin() + static_cast<std::ptrdiff_t>(given.losses.size());
  report.losses.assign(report.update.numbers.begin(), middle);
  report.same_report.assign(middle, report.update.numbers.end());
  report.first_pass_s = given.first_pass_s;
  report.loss_s = given.loss_s;
  report.second_pass_s = given.second_pass_s;
  report.optimiser_s = steady_seconds() - started;
  return report;
}

}  // namespace pillar
