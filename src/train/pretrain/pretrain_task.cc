#include "train/pretrain/pretrain_task.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include "device/shared/profiled_range.h"
#include "train/pretrain/validation.h"
#include "train/run/exported_steps.h"
#include "train/run/reuse_memory.h"
#include "train/run/study_notes.h"

#include <cmath>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {

PretrainTask::PretrainTask(const PretrainOptions& options, const World& world)
    : options_(options),
      world_(world),
      setup_(set_up_pretrain(options, world)),
      runner_(options, setup_, world) {}

RunPlan PretrainTask::plan() const {
  const PretrainConfig& config = options_.config;
  RunPlan plan = run_plan(config, options_, world_);
  plan.identity.total_steps = setup_.total_steps;
  for (const TrainedModality& modality : setup_.modalities) {
    const auto studies = static_cast<std::int64_t>(modality.train.studies.size());
    plan.pools.push_back(
        {modality.name, studies, steps_per_epoch(studies, setup_.shape), study_keys(modality.train)});
  }
  plan.shape = setup_.shape;
  plan.monitor = {"loss", /*higher_is_better=*/false};
  plan.data_digest = setup_.data_digest;
  plan.architecture_digest = sha256_hex(as_bytes(setup_.config_json));
  plan.config_yaml = format_pretrain_config(config);
  plan.notes = setup_.notes;
  for (const TrainedModality& modality : setup_.modalities) {
    merge_notes(plan.study_notes, modality.train.notes);
    merge_notes(plan.study_notes, modality.validation.notes);
  }
  return plan;
}

NamedTensors PretrainTask::model_tensors() const {
  return {setup_.model->weights().begin(), setup_.model->weights().end()};
}

void PretrainTask::say_plan() const {
  if (world_.rank() != 0) return;
  const PretrainConfig& config = options_.config;
  if (!setup_.init_table.empty()) spdlog::info("taken from {}:\n{}", config.init.string(), setup_.init_table);
  for (const StudyFault& fault : setup_.faults)
    spdlog::warn("left out: {} of {}: {}", fault.name, fault.source, fault.fault);
  const std::int64_t micro_batches = config.batch_size / config.micro_batch;
  for (const TrainedModality& modality : setup_.modalities) {
    spdlog::info("{}: {} studies to train on, {} to validate; {}", modality.name,
                 modality.train.studies.size(), modality.validation.studies.size(),
                 describe(modality.train.spec));
  }
  spdlog::info("{} steps an epoch, {} epochs; a step is {} studies: {} micro-batches of {} on {} process{}",
               setup_.steps_per_epoch, config.epochs, config.batch_size, micro_batches, config.micro_batch,
               world_.size(), world_.size() == 1 ? "" : "es");
  say_statistics(config, world_);
}

void PretrainTask::start(const RunStart& start) {
  setup_.total_steps = start.total_steps;
  say_plan();
  for (std::size_t m = 0; m < setup_.modalities.size(); ++m) {
    StudyLoaderOptions loading = loader_options(options_, setup_, true);
    loading.start = start.pools[m];
    loading.first_step = start.first_step;
    loading.end_step = start.end_step;
    loaders_.push_back(std::make_unique<StudyLoader>(setup_.modalities[m].train, loading));
  }
}

std::vector<EpochStart> PretrainTask::pools_at(std::int64_t step) const {
  std::vector<EpochStart> pools;
  for (const auto& loader : loaders_) pools.push_back(loader->start_at(step));
  return pools;
}

std::vector<LoadedStudies> PretrainTask::load(std::int64_t step) {
  const ProfiledRange range("read", options_.device);
  std::vector<LoadedStudies> loaded;
  for (const auto& loader : loaders_) {
    std::optional<StepBatch> batch = loader->next();
    if (!batch) fail(ErrorCategory::input, "the loader ended before step {}", step);
    LoadedStudies& studies = loaded.emplace_back();
    for (const MicroBatch& micro : batch->micro_batches)
      studies.count += static_cast<std::int64_t>(micro.names.size());
    studies.bad = batch->bad;
    batches_.push_back(std::move(*batch));
  }
  return loaded;
}

double PretrainTask::waited_seconds() const {
  double waited = 0;
  for (const auto& loader : loaders_) waited += loader->waited_seconds();
  return waited;
}

std::vector<NoteKind> PretrainTask::notes() const {
  std::vector<NoteKind> kinds;
  for (const auto& loader : loaders_) merge_notes(kinds, loader->notes());
  return kinds;
}

void PretrainTask::train(std::int64_t step) {
  report_ = runner_.run(batches_, step);
  batches_.clear();
}

StepLog PretrainTask::describe_step() const {
  StepLog log;
  const UpdateReport& update = report_.update;
  log.measured = {{"loss", update.loss}};
  for (std::size_t m = 0; setup_.modalities.size() > 1 && m < setup_.modalities.size(); ++m)
    log.measured.emplace_back(fmt::format("loss.{}", setup_.modalities[m].name), report_.losses[m]);
  for (std::size_t m = 0; m < setup_.modalities.size(); ++m) {
    const std::string suffix = setup_.modalities.size() > 1 ? "." + setup_.modalities[m].name : "";
    log.measured.emplace_back("same_report" + suffix, report_.same_report[m]);
  }
  if (const at::Tensor& bias = setup_.model->logit_bias(); bias.defined())
    log.measured.emplace_back("logit_bias", bias.item<double>());
  const double weights = weight_norm(runner_.update().optimizer().parameters()).item<double>(),
               scale = std::exp(setup_.model->logit_scale().item<double>());
  log.measured.insert(
      log.measured.end(),
      {{"lr", update.lr}, {"logit_scale", scale}, {"grad_norm", update.grad_norm}, {"weight_norm", weights}});
  log.seconds = {
      {"step_s", report_.first_pass_s + report_.loss_s + report_.second_pass_s + report_.optimiser_s},
      {"first_pass_s", report_.first_pass_s},
      {"loss_s", report_.loss_s},
      {"second_pass_s", report_.second_pass_s},
      {"optimiser_s", report_.optimiser_s}};
  log.words = fmt::format("loss {:.4f}  lr {:.2e}  scale {:.2f}  grad {:.3f}  weights {:.1f}", update.loss,
                          update.lr, scale, update.grad_norm, weights);
  log.left_out = update.left_out;
  return log;
}

Validation PretrainTask::validate(const StopQuestion& should_stop) {
  std::unique_ptr<ClipModel> averaged;
  if (!runner_.update().average().empty()) {
    std::vector<std::string> names;
    for (const TrainedModality& modality : setup_.modalities) names.push_back(modality.name);
    averaged = std::make_unique<ClipModel>(setup_.atlas, names, result_weights(), options_.device);
  }
  if (options_.config.reuse_memory) return_freed_memory();
  Validation validation =
      validate_pretrain(options_, setup_, averaged ? *averaged : *setup_.model, world_, should_stop);
  if (options_.config.reuse_memory) return_freed_memory();
  return validation;
}

WeightMap PretrainTask::result_weights() const {
  return averaged_weights(setup_.model->weights(), runner_.update().average());
}

void PretrainTask::export_to(const std::filesystem::path& folder, std::int64_t steps) const {
  write_checkpoint(folder, with_trained_steps(setup_.config_json, steps), result_weights());
}

}  // namespace pillar
