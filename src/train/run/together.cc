#include "train/run/together.h"

#include "pillar/device/memory_fault.h"

#include "train/run/reuse_memory.h"

#include <fmt/format.h>

namespace pillar {

void run_together(const TrainingOptions& options, const TrainerConfig& config, const std::string& config_yaml,
                  const World& world, const std::function<void()>& body) {
  if (options.device.is_cpu()) set_memory_policy(config.reuse_memory);
  try {
    world.require_same("the configuration",
                       fmt::format("{}max_steps: {}\nresume: {}\nversion: {}\n", config_yaml,
                                   options.max_steps, options.resume, options.version));
    body();
  } catch (const std::exception& error) {
    world.announce_failure(fault_in_words(error));
    throw;
  }
}

}  // namespace pillar
