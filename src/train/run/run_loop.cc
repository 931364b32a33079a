#include "train/run/run_loop.h"

#include "pillar/core/fail.h"
#include "pillar/world/world_text.h"

#include "train/run/resume.h"

#include <algorithm>
#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

RunState fresh_state(const RunPlan& plan) {
  RunState state;
  state.identity = plan.identity;
  state.config = plan.config_yaml;
  state.data_digest = plan.data_digest;
  state.architecture_digest = plan.architecture_digest;
  for (const RunPool& pool : plan.pools) state.bad_in_epoch[pool.name] = 0;
  return state;
}

}  // namespace

RunPlan run_plan(const TrainerConfig& config, const TrainingOptions& options, const World& world) {
  RunPlan plan;
  plan.identity.seed = config.seed;
  plan.identity.world_size = world.size();
  plan.identity.batch_size = config.batch_size;
  plan.identity.micro_batch = config.micro_batch;
  plan.identity.threads = at::get_num_threads();
  plan.identity.precision = to_string(config.precision);
  plan.identity.device = options.device.is_cuda() ? "cuda" : "cpu";
  plan.identity.version = options.version;
  plan.epochs = config.epochs;
  plan.max_bad_fraction = config.max_bad_fraction;
  plan.log_steps = config.log_steps;
  plan.checkpoint_steps = config.checkpoint_steps;
  plan.checkpoint_minutes = config.checkpoint_minutes;
  plan.validation_epochs = config.validation_epochs;
  plan.max_steps = options.max_steps;
  plan.resume = options.resume;
  plan.allow_changes = options.allow_changes;
  plan.after_epoch = options.after_epoch;
  return plan;
}

RunLoop::RunLoop(const RunPlan& plan, RunTask& task, RunFolder& folder, const World& world)
    : plan_(plan),
      task_(task),
      folder_(folder),
      world_(world),
      state_(resume_run({plan.resume, plan.allow_changes}, fresh_state(plan), task, folder, world)) {
  last_checkpoint_ = state_.step > 0 ? state_.step : -1;
  start_task();
  const std::vector<std::string> of_headers = said_.say(plan.study_notes);
  if (world.rank() == 0) {
    log_notes(plan.notes);
    log_notes(Notes(of_headers));
  }
  checkpoint_time_ = logged_time_ = Clock::now();
}

// Each pool goes on with the studies that its epoch has left.
void RunLoop::start_task() {
  resumed_ = state_.pools;
  RunStart start;
  start.first_step = state_.step;
  for (const RunPool& pool : plan_.pools) {
    EpochStart& stands = start.pools.emplace_back();
    if (const auto known = state_.pools.find(pool.name); known != state_.pools.end()) {
      EpochChanges changes;
      stands = resumed_start(known->second, state_.step, pool.keys, plan_.identity.seed, pool.draws, changes);
      if (world_.rank() == 0 && (changes.lost > 0 || changes.added > 0))
        spdlog::warn(
            "{}: {} of the studies that epoch {} had left are gone, {} came new: it ends with those "
            "that are there",
            pool.name, changes.lost, stands.epoch + 1, changes.added);
    }
    pool_clocks_.push_back(epoch_clock(stands, pool.steps_per_epoch, plan_.shape));
    if (pool_clocks_.size() == 1 || pool_clocks_.back().steps > clock_.steps) clock_ = pool_clocks_.back();
  }
  total_steps_ =
      clock_.origin_step + std::max<std::int64_t>(0, plan_.epochs - clock_.origin_epoch) * clock_.steps;
  end_step_ = plan_.max_steps > 0 ? std::min(plan_.max_steps, total_steps_) : total_steps_;
  start.end_step = std::max(end_step_, state_.step);
  start.total_steps = total_steps_;
  folder_.open(state_.step, plan_.config_yaml);
  task_.start(start);
}

RunOutcome RunLoop::run() {
  // A run that was stopped between its last step of an epoch and the validation does that first.
  if (state_.step > 0 && clock_.begins(state_.step) && state_.validated_epochs < clock_.epoch_of(state_.step))
    end_epoch();
  while (state_.step < end_step_ && !stopping_ && !out_of_patience()) train_step();
  if (last_checkpoint_ != state_.step) checkpoint(stopping_ ? "asked to stop" : "done");
  tell_program();
  if (stopping_ && world_.rank() == 0) {
    spdlog::warn("asked to stop: {} steps done, the same command goes on from there", state_.step);
  }
  if (out_of_patience() && world_.rank() == 0) {
    spdlog::info(
        "{} has not become better for {} epochs: the run ends, the best checkpoint is that of step {}",
        plan_.monitor.name, plan_.patience_epochs, state_.best_step);
  }
  require_written();
  world_.barrier();
  const bool complete = state_.step >= total_steps_ || out_of_patience();
  return {state_.step,        stopping_,        complete && !stopping_,
          folder_.failures(), state_.best_step, state_.best_value};
}

// A function of the run's state, so that a run which has ended early is still over when it is started again.
bool RunLoop::out_of_patience() const {
  if (plan_.patience_epochs == 0 || state_.best_step < 0) return false;
  const std::int64_t validated =
      clock_.origin_step + (state_.validated_epochs - clock_.origin_epoch) * clock_.steps;
  return validated - state_.best_step >= plan_.patience_epochs * clock_.steps;
}

void RunLoop::train_step() {
  if (!agree(task_.load(state_.step))) return;
  task_.train(state_.step);
  const bool last = state_.step + 1 == end_step_;
  if (state_.step % plan_.log_steps == 0 || last) log_step();
  ++state_.step;
  if (!loaded_notes_said_) say_notes();
  loaded_notes_said_ = true;
  if (clock_.begins(state_.step)) return end_epoch();
  const bool due = state_.step % plan_.checkpoint_steps == 0 ||
                   Clock::now() - checkpoint_time_ > std::chrono::minutes(plan_.checkpoint_minutes);
  if (due) checkpoint("time");
}

// One exchange for all: of each pool the studies that are there and the bad ones; then who was asked to stop.
bool RunLoop::agree(const std::vector<LoadedStudies>& loaded) {
  const auto pools = static_cast<std::int64_t>(loaded.size());
  at::Tensor counts = at::zeros({2 * pools + 1}, at::kLong);
  auto* count = counts.mutable_data_ptr<std::int64_t>();
  for (std::int64_t p = 0; p < pools; ++p) {
    count[2 * p] = loaded[p].count;
    count[2 * p + 1] = static_cast<std::int64_t>(loaded[p].bad.size());
  }
  count[2 * pools] = signal_.received() != 0 ? 1 : 0;
  world_.all_reduce_sum(counts);
  stopping_ = count[2 * pools] != 0;
  if (stopping_) return false;
  for (std::int64_t p = 0; p < pools; ++p) {
    count_bad(static_cast<std::size_t>(p), loaded[p].bad, count[2 * p], count[2 * p + 1]);
    logged_studies_ += count[2 * p];
  }
  return true;
}

// `good` and `bad` are numbers of all ranks, `own` is this rank's part of the bad ones.
void RunLoop::count_bad(std::size_t p, const std::vector<BadStudy>& own, std::int64_t good,
                        std::int64_t bad) {
  const RunPool& pool = plan_.pools[p];
  std::int64_t& in_epoch = state_.bad_in_epoch[pool.name];
  if (pool_clocks_[p].begins(state_.step)) in_epoch = 0;
  if (bad == 0) return;
  const std::vector<BadStudy> all = gather_bad(world_, own);
  in_epoch += bad;
  folder_.add_failures("train", all);
  if (world_.rank() == 0) {
    for (const BadStudy& study : all) spdlog::warn("left out of step {}: {}", state_.step, study.fault);
  }
  if (static_cast<double>(in_epoch) > plan_.max_bad_fraction * static_cast<double>(pool.studies)) {
    fail(ErrorCategory::input,
         "{} of {} studies of {} failed in this epoch, more than data.max_bad_fraction {}; the last: {}",
         in_epoch, pool.studies, pool.name, plan_.max_bad_fraction, all.back().fault);
  }
  if (good == 0) {
    fail(ErrorCategory::input, "step {}: none of its studies of {} could be loaded; the last: {}",
         state_.step, pool.name, all.back().fault);
  }
}

void RunLoop::log_step() {
  const Clock::time_point now = Clock::now();
  const double waited = task_.waited_seconds();
  const double elapsed = std::chrono::duration<double>(now - logged_time_).count();
  const double rate = static_cast<double>(logged_studies_) / elapsed;
  const double wait_share = std::min(1.0, (waited - logged_wait_) / elapsed);
  logged_time_ = now;
  logged_studies_ = 0;
  logged_wait_ = waited;
  if (world_.rank() != 0) return;
  const StepLog log = task_.describe_step();
  MetricsRow row;
  row.phase = "train";
  row.step = state_.step;
  row.epoch = static_cast<double>(clock_.origin_epoch) +
              static_cast<double>(state_.step + 1 - clock_.origin_step) / static_cast<double>(clock_.steps);
  row.values = log.measured;
  row.values.insert(row.values.end(), {{"samples_per_s", rate}, {"wait_share", wait_share}});
  row.values.insert(row.values.end(), log.seconds.begin(), log.seconds.end());
  folder_.write(row);
  const auto studies_left = static_cast<double>((end_step_ - state_.step - 1) * plan_.identity.batch_size);
  const double left = elapsed > 0 && rate > 0 ? studies_left / rate : 0;
  spdlog::info("step {}/{} epoch {:.2f}  {}  {:.1f} studies/s  waited {:.0f} %  ETA {}:{:02}{}",
               state_.step + 1, total_steps_, row.epoch, log.words, rate, 100 * wait_share,
               static_cast<std::int64_t>(left) / 60, static_cast<std::int64_t>(left) % 60,
               log.left_out ? "  (left out: a gradient overflowed)" : "");
  spdlog::default_logger()->flush();
}

void RunLoop::say_notes() {
  const std::vector<NoteKind> kinds = gather_notes(world_, task_.notes());
  const std::vector<std::string> fresh = said_.say(kinds);
  if (world_.rank() == 0) log_notes(Notes(fresh));
}

void RunLoop::end_epoch() {
  say_notes();
  const std::int64_t epoch = clock_.epoch_of(state_.step);
  const bool due = epoch % plan_.validation_epochs == 0 || epoch == plan_.epochs;
  if (due && !validate_epoch(epoch))
    return checkpoint("asked to stop");  // which comes before this validation
  state_.validated_epochs = epoch;
  checkpoint("end of an epoch");
  export_result();
  tell_program();
  logged_time_ = Clock::now();
  logged_studies_ = 0;
}

bool RunLoop::any_asked_to_stop() const {
  at::Tensor asked = at::zeros({1}, at::kLong);
  asked.fill_(signal_.received() != 0 ? 1 : 0);
  world_.all_reduce_sum(asked);
  return asked.item<std::int64_t>() != 0;
}

bool RunLoop::validate_epoch(std::int64_t epoch) {
  const Validation validation = task_.validate([this] { return any_asked_to_stop(); });
  if (validation.is_broken_off) {
    stopping_ = true;
    return false;
  }
  folder_.add_failures("validation", gather_bad(world_, validation.bad));
  if (validation.values.empty()) return true;
  folder_.write({"validation", state_.step - 1, static_cast<double>(epoch), validation.values});
  if (world_.rank() == 0) {
    std::string text;
    for (const auto& [name, value] : validation.values) text += fmt::format("  {} {:.4g}", name, value);
    spdlog::info("validation after epoch {}:{}", epoch, text);
  }
  compare_with_best(validation.values);
  return true;
}

// A number that this validation cannot give (the AUROC of one class) is neither better nor worse.
void RunLoop::compare_with_best(const NamedValues& values) {
  const double value = plan_.monitor.of(values);
  if (std::isnan(value)) {
    if (world_.rank() == 0)
      spdlog::warn("{} is not defined on this validation set: no checkpoint is the best by it",
                   plan_.monitor.name);
    return;
  }
  if (state_.best_step < 0 || plan_.monitor.beats(value, state_.best_value)) {
    state_.best_step = state_.step;
    state_.best_value = value;
  }
}

void RunLoop::checkpoint(const char* why) {
  last_checkpoint_ = state_.step;
  checkpoint_time_ = Clock::now();
  if (!folder_.is_writer()) return;
  const WeightUpdate& update = task_.update();
  state_.loss_scale = update.loss_scale().scale;
  state_.good_steps = update.loss_scale().good_steps;
  const std::vector<EpochStart> pools = task_.pools_at(state_.step);
  for (std::size_t p = 0; p < pools.size(); ++p) {
    const RunPool& pool = plan_.pools[p];
    state_.pools[pool.name] = progress_at(pools[p], pool.keys, resumed_[pool.name]);
  }
  try {
    const std::filesystem::path written =
        folder_.store().write(state_, task_.model_tensors(), update.optimizer().state(), update.average());
    if (state_.best_step == state_.step) folder_.store().mark_best(written);
    spdlog::debug("checkpoint {} ({})", written.string(), why);
    checkpoint_fault_.clear();
  } catch (const Error& error) {
    checkpoint_fault_ =
        fmt::format("the checkpoint of step {} was not written: {}", state_.step, error.what());
    spdlog::error("NO CHECKPOINT WRITTEN, the run goes on and those before are untouched: {}", error.what());
  }
}

// A model of an earlier step must not be taken for the one that could not be written.
void RunLoop::export_result() {
  if (!folder_.is_writer()) return;
  const std::filesystem::path folder = folder_.path() / "export";
  try {
    task_.export_to(folder, state_.step);
    export_fault_.clear();
  } catch (const Error& error) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    export_fault_ = fmt::format("the model of step {} was not exported: {}", state_.step, error.what());
    spdlog::error("NOT EXPORTED, the run goes on and the export of an earlier step is taken away: {}",
                  error.what());
  }
}

void RunLoop::require_written() const {
  const std::string fault =
      broadcast_text(world_, checkpoint_fault_.empty() ? export_fault_ : checkpoint_fault_);
  if (!fault.empty())
    fail(ErrorCategory::io, "{}: {} steps are done, but {}", folder_.path(), state_.step, fault);
}

void RunLoop::tell_program() const {
  if (folder_.is_writer() && plan_.after_epoch) plan_.after_epoch(folder_.path());
}

}  // namespace pillar
