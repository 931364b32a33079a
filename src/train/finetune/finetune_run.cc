#include "pillar/core/fail.h"

#include "train/finetune/finetune_evaluation.h"
#include "train/run/peak_memory.h"
#include "train/run/reuse_memory.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using FinetuneBody = std::function<FinetuneOutcome(RunFolder& folder, FinetuneTask& task)>;

// What training and evaluation share: processes agree on the configuration, and the failure of one ends all.
FinetuneOutcome in_run_folder(const FinetuneOptions& options, const World& world, const FinetuneBody& body) {
  if (options.device.is_cpu()) set_memory_policy(options.config.reuse_memory);
  try {
    world.require_same("the configuration", fmt::format("{}max_steps: {}\nresume: {}\nversion: {}\n",
                                                        format_finetune_config(options.config),
                                                        options.max_steps, options.resume, options.version));
    RunFolder folder({options.config.output, options.config.checkpoints_kept, options.open_log}, world);
    FinetuneTask task(options, world);
    return body(folder, task);
  } catch (const std::exception& error) {
    world.announce_failure(error.what());
    throw;
  }
}

}  // namespace

FinetuneOutcome run_finetune(const FinetuneOptions& options, const World& world) {
  return in_run_folder(options, world, [&](RunFolder& folder, FinetuneTask& task) {
    const RunPlan plan = task.plan();
    const RunOutcome run = RunLoop(plan, task, folder, world).run();
    FinetuneOutcome outcome{run.steps, run.stopped, run.failed_studies, run.best_step, {}};
    if (!run.complete) return outcome;
    const BestWeights best = best_weights(task, folder, world);
    outcome.summary = evaluate_weights(options, task, best.weights, folder, folder.path() / "export", world);
    outcome.failed_studies = folder.failures();
    if (world.rank() == 0) spdlog::info("peak memory: {}", peak_memory_text(options.device));
    return outcome;
  });
}

FinetuneOutcome evaluate_finetune(const FinetuneOptions& options, const World& world) {
  return in_run_folder(options, world, [&](RunFolder& folder, FinetuneTask& task) {
    folder.open_for_evaluation();
    const BestWeights best = best_weights(task, folder, world);
    FinetuneOutcome outcome;
    outcome.steps = outcome.best_step = best.step;
    outcome.summary = evaluate_weights(options, task, best.weights, folder, {}, world);
    outcome.failed_studies = folder.failures();
    return outcome;
  });
}

}  // namespace pillar
