// Internal: what every kind of training does around its run.
#pragma once

#include "pillar/train/trainer_config.h"
#include "pillar/train/training_options.h"
#include "pillar/world/world.h"

#include <functional>
#include <string>

namespace pillar {

// Collective: runs `body` once this process keeps memory as it is configured and all processes have said that
// they have the same configuration. What it throws here ends the other processes' waiting, too.
void run_together(const TrainingOptions& options, const TrainerConfig& config, const std::string& config_yaml,
                  const World& world, const std::function<void()>& body);

}  // namespace pillar
