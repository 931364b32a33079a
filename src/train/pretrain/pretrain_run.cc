#include "train/pretrain/pretrain_task.h"
#include "train/run/reuse_memory.h"

#include <fmt/format.h>

namespace pillar {
namespace {

PretrainOutcome train(const PretrainOptions& options, const World& world) {
  RunFolder folder({options.config.output, options.config.checkpoints_kept, options.open_log}, world);
  PretrainTask task(options, world);
  const RunPlan plan = task.plan();
  const RunOutcome outcome = RunLoop(plan, task, folder, world).run();
  return {outcome.steps, outcome.stopped, outcome.failed_studies};
}

}  // namespace

PretrainOutcome run_pretrain(const PretrainOptions& options, const World& world) {
  if (options.device.is_cpu()) set_memory_policy(options.config.reuse_memory);
  try {
    world.require_same("the configuration", fmt::format("{}max_steps: {}\nresume: {}\nversion: {}\n",
                                                        format_pretrain_config(options.config),
                                                        options.max_steps, options.resume, options.version));
    return train(options, world);
  } catch (const std::exception& error) {
    world.announce_failure(error.what());
    throw;
  }
}

}  // namespace pillar
