#include "train/finetune/finetune_task.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include "device/shared/profiled_range.h"
#include "train/run/batching.h"
#include "train/run/exported_steps.h"
#include "train/run/peak_memory.h"
#include "train/run/reuse_memory.h"
#include "train/run/study_notes.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {

FinetuneTask::FinetuneTask(const FinetuneOptions& options, const World& world)
    : options_(options),
      world_(world),
      setup_(set_up_finetune(options, world)),
      runner_(options, setup_, world) {}

RunPlan FinetuneTask::plan() const {
  const FinetuneConfig& config = options_.config;
  RunPlan plan = run_plan(config, options_, world_);
  plan.identity.total_steps = setup_.total_steps;
  const auto studies = static_cast<std::int64_t>(setup_.train.studies.size());
  plan.pools.push_back({setup_.spec.modality, studies, setup_.steps_per_epoch, study_keys(setup_.train),
                        !setup_.train.weights.empty()});
  plan.shape = setup_.shape;
  const std::string name =
      config.monitor.empty() ? std::string(default_monitor(setup_.heads.kind)) : config.monitor;
  plan.monitor = {name, /*higher_is_better=*/name.find("loss") == std::string::npos};
  plan.patience_epochs = config.patience_epochs;
  plan.data_digest = setup_.data_digest;
  plan.architecture_digest = sha256_hex(as_bytes(setup_.config_json));
  plan.config_yaml = format_finetune_config(config);
  plan.notes = setup_.warnings;
  for (const OutcomePool* pool : {&setup_.train, &setup_.dev, &setup_.test})
    merge_notes(plan.study_notes, pool->notes);
  return plan;
}

NamedTensors FinetuneTask::model_tensors() const {
  return {setup_.model->weights().begin(), setup_.model->weights().end()};
}

void FinetuneTask::say_plan() const {
  if (world_.rank() != 0) return;
  const FinetuneConfig& config = options_.config;
  if (!setup_.init_table.empty()) spdlog::info("taken from {}:\n{}", config.init.string(), setup_.init_table);
  for (const std::string& note : setup_.notes) spdlog::info("{}", note);
  for (const StudyFault& fault : setup_.faults)
    spdlog::warn("left out: {} of {}: {}", fault.name, fault.source, fault.fault);
  spdlog::info("{}: {} studies to train on, {} to validate, {} to test; {}", to_string(setup_.heads.kind),
               setup_.train.studies.size(), setup_.dev.studies.size(), setup_.test.studies.size(),
               describe(setup_.spec));
  spdlog::info("{} steps an epoch, {} epochs; a step is {} studies in micro-batches of {} on {} process{}",
               setup_.steps_per_epoch, config.epochs, config.batch_size, config.micro_batch, world_.size(),
               world_.size() == 1 ? "" : "es");
  say_statistics(config, world_);
}

void FinetuneTask::start(const RunStart& start) {
  setup_.total_steps = start.total_steps;
  say_plan();
  StudyLoaderOptions loading = loader_options(options_.config, setup_.shape, options_.device, 1, true);
  loading.start = start.pools.front();
  loading.first_step = start.first_step;
  loading.end_step = start.end_step;
  loader_ = std::make_unique<StudyLoader>(setup_.train, loading);
}

std::vector<LoadedStudies> FinetuneTask::load(std::int64_t step) {
  const ProfiledRange range("read", options_.device);
  batch_ = loader_->next();
  if (!batch_) fail(ErrorCategory::input, "the loader ended before step {}", step);
  LoadedStudies studies;
  for (const MicroBatch& micro : batch_->micro_batches)
    studies.count += static_cast<std::int64_t>(micro.names.size());
  studies.bad = batch_->bad;
  return {studies};
}

void FinetuneTask::train(std::int64_t step) {
  report_ = runner_.run(*batch_, step);
  batch_.reset();
}

StepLog FinetuneTask::describe_step() const {
  StepLog log;
  const UpdateReport& update = report_.update;
  log.measured = {{"loss", report_.loss}};
  if (report_.terms.size() > 1) {
    for (const auto& [name, value] : report_.terms) log.measured.emplace_back("loss." + name, value);
  }
  const double weights = weight_norm(runner_.update().optimizer().parameters()).item<double>();
  log.measured.insert(log.measured.end(),
                      {{"lr", update.lr}, {"grad_norm", update.grad_norm}, {"weight_norm", weights}});
  log.seconds = {{"step_s", report_.forward_s + report_.backward_s + report_.optimiser_s},
                 {"forward_s", report_.forward_s},
                 {"backward_s", report_.backward_s},
                 {"optimiser_s", report_.optimiser_s}};
  log.words = fmt::format("loss {:.4f}  lr {:.2e}  grad {:.3f}  weights {:.1f}", report_.loss, update.lr,
                          update.grad_norm, weights);
  log.left_out = update.left_out;
  return log;
}

Validation validate_split(const FinetuneOptions& options, const FinetuneSetup& setup, const OutcomePool& pool,
                          const FinetunedModel& model, const FinetuneLoss& loss, const World& world,
                          const StopQuestion& should_stop) {
  Validation validation;
  if (pool.studies.empty()) return validation;
  const SplitScores scores = score_split(options, setup, pool, model, world, should_stop);
  validation.bad = scores.bad;
  validation.is_broken_off = scores.is_broken_off;
  if (scores.studies.empty()) return validation;
  const at::Tensor values = values_of(setup.table, pool, scores.studies);
  validation.values =
      split_metrics(setup, pool, scores, loss.of_outcome(scores.logits, values).item<double>());
  return validation;
}

Validation FinetuneTask::validate(const StopQuestion& should_stop) {
  std::optional<FinetunedModel> averaged;
  if (!runner_.update().average().empty()) {
    averaged.emplace(setup_.atlas, setup_.spec.modality, setup_.heads, result_weights(), options_.device,
                     "averaged weights");
  }
  if (options_.config.reuse_memory) return_freed_memory();
  Validation validation = validate_split(options_, setup_, setup_.dev, averaged ? *averaged : *setup_.model,
                                         runner_.loss(), world_, should_stop);
  if (options_.config.reuse_memory) return_freed_memory();
  if (world_.rank() == 0) spdlog::info("peak memory: {}", peak_memory_text(options_.device));
  return validation;
}

WeightMap FinetuneTask::result_weights() const {
  return averaged_weights(setup_.model->weights(), runner_.update().average());
}

void FinetuneTask::export_to(const std::filesystem::path& folder, std::int64_t steps) const {
  write_checkpoint(folder, with_trained_steps(setup_.config_json, steps), result_weights());
}

}  // namespace pillar
