#include "train/run/resume.h"

#include "pillar/core/fail.h"

#include "train/run/run_state.h"
#include "world/shared/world_text.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

namespace pillar {
namespace {

std::optional<RunCheckpoint> find_checkpoint(const PretrainOptions& options, const CheckpointStore& store) {
  if (options.resume == "none") {
    if (!store.list().empty()) {
      fail(ErrorCategory::usage,
           "{}: holds a run with checkpoints; go on with it (--resume auto), or start over in another output",
           options.config.output);
    }
    return std::nullopt;
  }
  if (options.resume != "auto") return load_run_checkpoint(options.resume);
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

template <typename T>
void note_change(std::string& text, const char* what, const T& before, const T& now) {
  if (before != now) text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", what, before, now);
}

void say_differences(const RunState& before, const RunState& now) {
  std::string text;
  note_change(text, "processes", before.world_size, now.world_size);
  note_change(text, "train.batch_size", before.batch_size, now.batch_size);
  note_change(text, "train.micro_batch", before.micro_batch, now.micro_batch);
  note_change(text, "threads", before.threads, now.threads);
  note_change(text, "seed", before.seed, now.seed);
  note_change(text, "precision", before.precision, now.precision);
  note_change(text, "device", before.device, now.device);
  note_change(text, "version", before.version, now.version);
  note_change(text, "steps of the schedule", before.total_steps, now.total_steps);
  if (text.empty()) return;
  spdlog::warn(
      "the run goes on with {}: its steps will not be those of an uninterrupted run{}", text,
      before.batch_size == now.batch_size && before.micro_batch == now.micro_batch && before.seed == now.seed
          ? " bit for bit; studies, crops, rotations and dropout of each step stay the same"
          : "");
}

}  // namespace

NamedTensors model_tensors(const ClipModel& model) {
  return {model.weights().begin(), model.weights().end()};
}

RunState current_state(const PretrainOptions& options, const PretrainSetup& setup, const World& world) {
  RunState state;
  state.seed = options.config.seed;
  state.world_size = world.size();
  state.batch_size = options.config.batch_size;
  state.micro_batch = options.config.micro_batch;
  state.threads = at::get_num_threads();
  state.total_steps = setup.total_steps;
  state.precision = to_string(options.config.precision);
  state.device = options.device.is_cuda() ? "cuda" : "cpu";
  state.version = options.version;
  for (const TrainedModality& modality : setup.modalities) state.bad_in_epoch[modality.name] = 0;
  return state;
}

RunState resume_run(const PretrainOptions& options, PretrainSetup& setup, StepRunner& runner,
                    const CheckpointStore* store, const World& world) {
  RunState state = current_state(options, setup, world);
  if (store != nullptr) {
    if (const auto found = find_checkpoint(options, *store)) {
      const std::string source = found->folder.string();
      take_over(found->model, model_tensors(*setup.model), source);
      runner.optimizer().load_state(found->optimizer);
      if (!runner.average().empty() && !found->average.empty())
        take_over(found->average, runner.average(), source);
      else if (!runner.average().empty())
        runner.start_average();
      const RunState before = found->state;
      say_differences(before, state);
      spdlog::info("resumed from {}: {} of {} steps done", source, before.step, state.total_steps);
      state.step = before.step;
      state.validated_epochs = before.validated_epochs;
      state.best_step = before.best_step;
      state.best_value = before.best_value;
      state.loss_scale = before.loss_scale;
      state.good_steps = before.good_steps;
      for (auto& [modality, count] : state.bad_in_epoch) {
        const auto known = before.bad_in_epoch.find(modality);
        if (known != before.bad_in_epoch.end()) count = known->second;
      }
    }
  }
  state = parse_run_state(broadcast_text(world, format_run_state(state)), "the state that rank 0 sent");
  const at::NoGradGuard no_gradients;
  for (const NamedTensors& tensors :
       {model_tensors(*setup.model), runner.optimizer().state(), runner.average()}) {
    for (const auto& [name, tensor] : tensors) {
      at::Tensor alias = tensor.detach();
      world.broadcast(alias);
    }
  }
  if (state.loss_scale > 0) runner.loss_scale() = {state.loss_scale, state.good_steps};
  return state;
}

}  // namespace pillar
