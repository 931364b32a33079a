// Contrastive pretraining: from a configuration to a trained model, on one process or many.
#pragma once

#include "pillar/train/pretrain_config.h"
#include "pillar/train/training_options.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <string>

namespace pillar {

struct PretrainOptions : TrainingOptions {
  PretrainConfig config;  // architecture: a file
};

struct PretrainOutcome {
  std::int64_t steps = 0;           // done in all, resumed ones included
  bool stopped = false;             // by a signal, after a checkpoint
  std::int64_t failed_studies = 0;  // listed in failures.csv
};

// Collective: every rank of `world` calls it with the same options. The run's folder (rank 0 writes it):
//   config.yaml   log.txt   metrics.jsonl   tensorboard/   failures.csv   report.html (the program's)
//   checkpoints/  every N steps and minutes, at epoch ends, and on SIGTERM, SIGUSR1 or SIGINT
//   export/       config.json and model.safetensors in released layout, after each epoch
// Throws Error(usage | input | io) naming key or file; a loss that is not finite ends the run with the names
// of the step's samples, and its checkpoints stay.
PretrainOutcome run_pretrain(const PretrainOptions& options, const World& world);

// What a run would do, in words: parameters, studies, steps, shapes and time of one step, which is run on the
// first batch and thrown away. Writes nothing.
std::string plan_pretrain(const PretrainOptions& options);

}  // namespace pillar
