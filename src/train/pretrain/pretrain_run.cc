#include "train/pretrain/pretrain_run.h"

#include "pillar/core/fail.h"

#include "train/run/reuse_memory.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

PretrainRun::PretrainRun(const PretrainOptions& options, const World& world)
    : options_(options),
      config_(options.config),
      world_(world),
      folder_(options, world),
      setup_(set_up_pretrain(options, world)),
      runner_(options, setup_, world),
      state_(resume_run(options, setup_, runner_, folder_.is_writer() ? &folder_.store() : nullptr, world)) {
  end_step_ = options.max_steps > 0 ? std::min(options.max_steps, setup_.total_steps) : setup_.total_steps;
  last_checkpoint_ = state_.step > 0 ? state_.step : -1;
  folder_.open(state_.step);
  say_plan();
  start_loaders();
  checkpoint_time_ = logged_time_ = Clock::now();
}

void PretrainRun::say_plan() const {
  if (world_.rank() != 0) return;
  if (!setup_.init_table.empty())
    spdlog::info("taken from {}:\n{}", config_.init.string(), setup_.init_table);
  for (const StudyFault& fault : setup_.faults)
    spdlog::warn("left out: {} of {}: {}", fault.name, fault.source, fault.fault);
  const std::int64_t micro_batches = config_.batch_size / config_.micro_batch;
  for (const TrainedModality& modality : setup_.modalities) {
    spdlog::info("{}: {} studies to train on, {} to validate; {}", modality.name,
                 modality.train.studies.size(), modality.validation.studies.size(),
                 describe(modality.train.spec));
  }
  spdlog::info("{} steps an epoch, {} epochs; a step is {} studies: {} micro-batches of {} on {} process{}",
               setup_.steps_per_epoch, config_.epochs, config_.batch_size, micro_batches, config_.micro_batch,
               world_.size(), world_.size() == 1 ? "" : "es");
  constexpr std::int64_t kFewNegatives = 32;
  if (config_.batch_size < kFewNegatives) {
    spdlog::warn(
        "train.batch_size {}: below {} a study has too few others to be told from; "
        "train.micro_batch, not train.batch_size, is what memory bounds",
        config_.batch_size, kFewNegatives);
  }
}

void PretrainRun::start_loaders() {
  for (const TrainedModality& modality : setup_.modalities) {
    PretrainLoaderOptions loading = loader_options(options_, setup_, true);
    loading.first_step = state_.step;
    loading.end_step = std::max(end_step_, state_.step);
    loaders_.push_back(std::make_unique<PretrainLoader>(modality.train, loading));
  }
}

// Counts of each modality: studies, bad ones; then whether somebody was asked to stop.
bool PretrainRun::agree(const std::vector<StepBatch>& batches) {
  const auto modalities = static_cast<std::int64_t>(batches.size());
  at::Tensor counts = at::zeros({2 * modalities + 1}, at::kLong);
  auto* count = counts.mutable_data_ptr<std::int64_t>();
  for (std::int64_t m = 0; m < modalities; ++m) {
    for (const MicroBatch& micro : batches[m].micro_batches)
      count[2 * m] += static_cast<std::int64_t>(micro.names.size());
    count[2 * m + 1] = static_cast<std::int64_t>(batches[m].bad.size());
  }
  count[2 * modalities] = signal_.received() != 0 ? 1 : 0;
  world_.all_reduce_sum(counts);
  stop_signal_ = counts[2 * modalities].item<std::int64_t>();
  if (stop_signal_ != 0) return false;
  count_bad(batches, counts);
  for (std::int64_t m = 0; m < modalities; ++m) logged_studies_ += counts[2 * m].item<std::int64_t>();
  return true;
}

void PretrainRun::count_bad(const std::vector<StepBatch>& batches, const at::Tensor& counts) {
  for (std::size_t m = 0; m < batches.size(); ++m) {
    const TrainedModality& modality = setup_.modalities[m];
    std::int64_t& in_epoch = state_.bad_in_epoch[modality.name];
    const auto studies = static_cast<std::int64_t>(modality.train.studies.size());
    if (state_.step % steps_per_epoch(studies, setup_.shape) == 0) in_epoch = 0;
    const auto found = counts[static_cast<std::int64_t>(2 * m + 1)].item<std::int64_t>();
    if (found == 0) continue;
    const std::vector<BadStudy> bad = gather_bad(world_, batches[m].bad);
    in_epoch += found;
    folder_.add_failures("train", bad);
    if (world_.rank() == 0) {
      for (const BadStudy& study : bad) spdlog::warn("left out of step {}: {}", state_.step, study.fault);
    }
    if (static_cast<double>(in_epoch) > config_.max_bad_fraction * static_cast<double>(studies)) {
      fail(ErrorCategory::input,
           "{} of {} studies of {} failed in this epoch, more than data.max_bad_fraction {}; the last: {}",
           in_epoch, studies, modality.name, config_.max_bad_fraction, bad.back().fault);
    }
    if (counts[static_cast<std::int64_t>(2 * m)].item<std::int64_t>() == 0) {
      fail(ErrorCategory::input, "step {}: none of its studies of {} could be loaded; the last: {}",
           state_.step, modality.name, bad.back().fault);
    }
  }
}

PretrainOutcome PretrainRun::run() {
  // A run that was stopped between its last step of an epoch and the validation does that first.
  if (state_.step > 0 && state_.step % setup_.steps_per_epoch == 0 &&
      state_.validated_epochs < state_.step / setup_.steps_per_epoch)
    end_epoch();
  while (state_.step < end_step_ && stop_signal_ == 0) train_step();
  if (last_checkpoint_ != state_.step) checkpoint(stop_signal_ != 0 ? "asked to stop" : "done");
  if (folder_.is_writer() && options_.after_epoch) options_.after_epoch(config_.output);
  if (stop_signal_ != 0 && world_.rank() == 0) {
    spdlog::warn("asked to stop: {} steps done, the same command goes on from there", state_.step);
  }
  world_.barrier();
  return {state_.step, stop_signal_ != 0, folder_.failures()};
}

void PretrainRun::train_step() {
  std::vector<StepBatch> batches;
  for (const auto& loader : loaders_) {
    std::optional<StepBatch> batch = loader->next();
    if (!batch) fail(ErrorCategory::input, "the loader ended before step {}", state_.step);
    batches.push_back(std::move(*batch));
  }
  if (!agree(batches)) return;
  const StepReport report = runner_.run(batches, state_.step);
  batches.clear();
  const bool last = state_.step + 1 == end_step_;
  if (state_.step % config_.log_steps == 0 || last) log_step(report);
  ++state_.step;
  if (state_.step % setup_.steps_per_epoch == 0) return end_epoch();
  const bool due = state_.step % config_.checkpoint_steps == 0 ||
                   Clock::now() - checkpoint_time_ > std::chrono::minutes(config_.checkpoint_minutes);
  if (due) checkpoint("time");
}

void PretrainRun::log_step(const StepReport& report) {
  double waited = 0;
  for (const auto& loader : loaders_) waited += loader->waited_seconds();
  const Clock::time_point now = Clock::now();
  const double elapsed = seconds_between(logged_time_, now);
  const double rate = static_cast<double>(logged_studies_) / elapsed;
  const double wait_share = std::min(1.0, (waited - logged_wait_) / elapsed);
  logged_time_ = now;
  logged_studies_ = 0;
  logged_wait_ = waited;
  if (world_.rank() != 0) return;
  MetricsRow row;
  row.phase = "train";
  row.step = state_.step;
  row.epoch = static_cast<double>(state_.step + 1) / static_cast<double>(setup_.steps_per_epoch);
  row.values = {{"loss", report.loss}};
  for (std::size_t m = 0; setup_.modalities.size() > 1 && m < setup_.modalities.size(); ++m)
    row.values.emplace_back(fmt::format("loss.{}", setup_.modalities[m].name), report.contrastive.losses[m]);
  const double weights = weight_norm(runner_.optimizer().parameters());
  const ContrastiveStep& parts = report.contrastive;
  row.values.insert(row.values.end(),
                    {{"lr", report.lr},
                     {"logit_scale", std::exp(report.logit_scale)},
                     {"grad_norm", report.grad_norm},
                     {"weight_norm", weights},
                     {"samples_per_s", rate},
                     {"wait_share", wait_share},
                     {"step_s", parts.first_pass_s + parts.loss_s + parts.second_pass_s + report.optimiser_s},
                     {"first_pass_s", parts.first_pass_s},
                     {"loss_s", parts.loss_s},
                     {"second_pass_s", parts.second_pass_s},
                     {"optimiser_s", report.optimiser_s}});
  folder_.write(row);
  const double left = elapsed > 0 && rate > 0
                          ? static_cast<double>((end_step_ - state_.step - 1) * config_.batch_size) / rate
                          : 0;
  spdlog::info(
      "step {}/{} epoch {:.2f}  loss {:.4f}  lr {:.2e}  scale {:.2f}  grad {:.3f}  weights {:.1f}  "
      "{:.1f} studies/s  waited {:.0f} %  ETA {}:{:02}{}",
      state_.step + 1, setup_.total_steps, row.epoch, report.loss, report.lr, std::exp(report.logit_scale),
      report.grad_norm, weights, rate, 100 * wait_share, static_cast<std::int64_t>(left) / 60,
      static_cast<std::int64_t>(left) % 60, report.left_out ? "  (left out: a gradient overflowed)" : "");
  spdlog::default_logger()->flush();
}

WeightMap PretrainRun::result_weights() const {
  WeightMap weights;
  for (const auto& [name, tensor] : setup_.model->weights()) weights.emplace(name, tensor.detach());
  for (const auto& [name, tensor] : runner_.average()) weights[name] = tensor;
  return weights;
}

void PretrainRun::validate_epoch(std::int64_t epoch) {
  std::unique_ptr<ClipModel> averaged;
  if (!runner_.average().empty()) {
    std::vector<std::string> names;
    for (const TrainedModality& modality : setup_.modalities) names.push_back(modality.name);
    averaged = std::make_unique<ClipModel>(setup_.atlas, names, result_weights(), options_.device);
  }
  if (config_.reuse_memory) return_freed_memory();
  const ValidationReport report = validate(options_, setup_, averaged ? *averaged : *setup_.model, world_);
  if (config_.reuse_memory) return_freed_memory();
  folder_.add_failures("validation", gather_bad(world_, report.bad));
  if (report.values.empty()) return;
  folder_.write({"validation", state_.step - 1, static_cast<double>(epoch), report.values});
  if (world_.rank() == 0) {
    std::string text;
    for (const auto& [name, value] : report.values) text += fmt::format("  {} {:.4g}", name, value);
    spdlog::info("validation after epoch {}:{}", epoch, text);
  }
  if (state_.best_step < 0 || report.loss < state_.best_value) {
    state_.best_step = state_.step;
    state_.best_value = report.loss;
  }
}

void PretrainRun::end_epoch() {
  const std::int64_t epoch = state_.step / setup_.steps_per_epoch;
  if (epoch % config_.validation_epochs == 0 || epoch == config_.epochs) validate_epoch(epoch);
  state_.validated_epochs = epoch;
  checkpoint("end of an epoch");
  folder_.export_model(setup_.config_json, result_weights());
  if (folder_.is_writer() && options_.after_epoch) options_.after_epoch(config_.output);
  logged_time_ = Clock::now();
  logged_studies_ = 0;
}

void PretrainRun::checkpoint(const char* why) {
  last_checkpoint_ = state_.step;
  checkpoint_time_ = Clock::now();
  if (!folder_.is_writer()) return;
  state_.loss_scale = runner_.loss_scale().scale;
  state_.good_steps = runner_.loss_scale().good_steps;
  try {
    const std::filesystem::path written = folder_.store().write(
        state_, model_tensors(*setup_.model), runner_.optimizer().state(), runner_.average());
    if (state_.best_step == state_.step) folder_.store().mark_best(written);
    spdlog::debug("checkpoint {} ({})", written.string(), why);
  } catch (const Error& error) {
    spdlog::error("NO CHECKPOINT WRITTEN, the run goes on and those before are untouched: {}", error.what());
  }
}

PretrainOutcome run_pretrain(const PretrainOptions& options, const World& world) {
  if (options.device.is_cpu()) set_memory_policy(options.config.reuse_memory);
  try {
    world.require_same("the configuration", fmt::format("{}max_steps: {}\nresume: {}\nversion: {}\n",
                                                        format_pretrain_config(options.config),
                                                        options.max_steps, options.resume, options.version));
    return PretrainRun(options, world).run();
  } catch (const std::exception& error) {
    world.announce_failure(error.what());
    throw;
  }
}

}  // namespace pillar
