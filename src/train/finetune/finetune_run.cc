#include "train/finetune/finetune_evaluation.h"
#include "train/run/peak_memory.h"
#include "train/run/together.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using FinetuneBody = std::function<FinetuneOutcome(RunFolder& folder, FinetuneTask& task)>;

FinetuneOutcome in_run_folder(const FinetuneOptions& options, const World& world, const FinetuneBody& body) {
  FinetuneOutcome outcome;
  run_together(options, options.config, format_finetune_config(options.config), world, [&] {
    RunFolder folder({options.config.output, options.config.checkpoints_kept, options.open_log}, world);
    FinetuneTask task(options, world);
    outcome = body(folder, task);
  });
  return outcome;
}

}  // namespace

FinetuneOutcome run_finetune(const FinetuneOptions& options, const World& world) {
  return in_run_folder(options, world, [&](RunFolder& folder, FinetuneTask& task) {
    const RunPlan plan = task.plan();
    RunOutcome run;
    with_memory_advice(memory_advice(memory_of(task.setup(), options), options.config, options.device),
                       [&] { run = RunLoop(plan, task, folder, world).run(); });
    FinetuneOutcome outcome{run.steps, run.stopped, run.failed_studies, run.best_step, {}};
    if (!run.complete) return outcome;
    const BestWeights best = best_weights(task, folder, world);
    outcome.summary = evaluate_weights(options, task, best, folder, folder.path() / "export", world);
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
    outcome.summary = evaluate_weights(options, task, best, folder, {}, world);
    outcome.failed_studies = folder.failures();
    return outcome;
  });
}

}  // namespace pillar
