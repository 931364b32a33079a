#include "train/pretrain/pretrain_task.h"
#include "train/run/peak_memory.h"
#include "train/run/together.h"

#include <spdlog/spdlog.h>

namespace pillar {

PretrainOutcome run_pretrain(const PretrainOptions& options, const World& world) {
  PretrainOutcome outcome;
  run_together(options, options.config, format_pretrain_config(options.config), world, [&] {
    RunFolder folder({options.config.output, options.config.checkpoints_kept, options.open_log}, world);
    PretrainTask task(options, world);
    const RunPlan plan = task.plan();
    RunOutcome run;
    with_memory_advice(memory_advice(memory_of(task.setup(), options), options.config, options.device),
                       [&] { run = RunLoop(plan, task, folder, world).run(); });
    if (world.rank() == 0) spdlog::info("peak memory: {}", peak_memory_text(options.device));
    outcome = {run.steps, run.stopped, run.failed_studies};
  });
  return outcome;
}

}  // namespace pillar
