#include "train/run/resume.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/world/world_text.h"

#include "train/run/config_changes.h"
#include "train/run/identity.h"
#include "train/run/run_state.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

std::optional<RunCheckpoint> find_checkpoint(const std::string& resume, RunFolder& folder) {
  const CheckpointStore& store = folder.store();
  if (resume == "none") {
    if (!store.list().empty()) {
      fail(ErrorCategory::usage,
           "{}: holds a run with checkpoints; go on with it (--resume auto), or start over in another output",
           folder.path());
    }
    return std::nullopt;
  }
  if (resume != "auto") return load_run_checkpoint(resume);
  Notes damaged;
  std::optional<RunCheckpoint> found = store.newest(damaged);
  for (const std::string& fault : damaged)
    spdlog::error("checkpoint passed over: {}; going on from the one before", fault);
  return found;
}

// Shapes must be those of the model: another architecture is another run.
void take_over(const std::map<std::string, at::Tensor>& stored, const NamedTensors& into,
               const std::string& source) {
  const at::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : into) {
    const auto found = stored.find(name);
    if (found == stored.end() || found->second.sizes() != tensor.sizes()) {
      fail(ErrorCategory::input, "{}: has no tensor {} of this model's shape; was the architecture changed?",
           source, name);
    }
    tensor.detach().copy_(found->second);
  }
  if (stored.size() != into.size()) {
    fail(ErrorCategory::input, "{}: holds {} tensors, this model {}; was the architecture changed?", source,
         stored.size(), into.size());
  }
}

void say_differences(const RunIdentity& before, const RunIdentity& now) {
  const std::string text = differences(before, now);
  if (text.empty()) return;
  spdlog::warn("the run goes on with {}: its steps will not be those of an uninterrupted run{}", text,
               have_same_draws(before, now)
                   ? " bit for bit; studies, crops, rotations and dropout of each step stay the same"
                   : "");
}

// What the run was made of and is not any more. Nothing is known of a checkpoint that did not keep it.
std::vector<std::string> changes_of(const RunState& before, const RunState& now) {
  if (before.config.empty()) return {};
  std::vector<std::string> changes = config_changes(before.config, now.config);
  if (before.data_digest != now.data_digest)
    changes.emplace_back("data: other studies, another order of them, or other texts, labels or weights");
  if (before.architecture_digest != now.architecture_digest)
    changes.emplace_back("architecture: another config.json (windows, preprocessing, sizes)");
  return changes;
}

void require_same_run(const RunCheckpoint& found, const RunState& now, bool allow_changes,
                      const RunFolder& folder) {
  const std::vector<std::string> changes = changes_of(found.state, now);
  if (changes.empty()) return;
  const std::string list = fmt::format("  {}", fmt::join(changes, "\n  "));
  if (!allow_changes) {
    fail(ErrorCategory::usage,
         "{}: is of a run that was made of something else:\n{}\ngo on all the same with --allow-changes, or "
         "train into another output",
         found.folder, list);
  }
  spdlog::warn("the run goes on, changed since step {}:\n{}", found.state.step, list);
  write_file_atomic(folder.path() / fmt::format("config.before-step-{}.yaml", found.state.step),
                    std::string_view(found.state.config));
}

// Model, optimiser and average of `found` become the task's.
void take_tensors(const RunCheckpoint& found, RunTask& task) {
  const std::string source = found.folder.string();
  WeightUpdate& update = task.update();
  take_over(found.model, task.model_tensors(), source);
  update.optimizer().load_state(found.optimizer);
  if (update.average().empty()) return;
  if (found.average.empty())
    update.start_average();
  else
    take_over(found.average, update.average(), source);
}

// Where `before` stands, as the run that goes on with it: what it is made of now is its own.
RunState continued(const RunState& before, const RunState& fresh) {
  RunState state = before;
  state.identity = fresh.identity;
  state.config = fresh.config;
  state.data_digest = fresh.data_digest;
  state.architecture_digest = fresh.architecture_digest;
  state.bad_in_epoch = fresh.bad_in_epoch;
  for (auto& [pool, count] : state.bad_in_epoch) {
    const auto known = before.bad_in_epoch.find(pool);
    if (known != before.bad_in_epoch.end()) count = known->second;
  }
  return state;
}

}  // namespace

RunState resume_run(const ResumeOptions& resume, const RunState& fresh, RunTask& task, RunFolder& folder,
                    const World& world) {
  RunState state = fresh;
  if (folder.is_writer()) {
    if (const auto found = find_checkpoint(resume.from, folder)) {
      take_tensors(*found, task);
      require_same_run(*found, fresh, resume.allow_changes, folder);
      say_differences(found->state.identity, fresh.identity);
      spdlog::info("resumed from {}: {} of {} steps done", found->folder.string(), found->state.step,
                   fresh.identity.total_steps);
      state = continued(found->state, fresh);
    }
  }
  state = parse_run_state(broadcast_text(world, format_run_state(state)), "the state that rank 0 sent");
  const at::NoGradGuard no_gradients;
  WeightUpdate& update = task.update();
  for (const NamedTensors& tensors : {task.model_tensors(), update.optimizer().state(), update.average()}) {
    for (const auto& [name, tensor] : tensors) {
      at::Tensor alias = tensor.detach();
      world.broadcast(alias);
    }
  }
  if (state.loss_scale > 0) update.loss_scale() = {state.loss_scale, state.good_steps};
  return state;
}

}  // namespace pillar
