// Finetuning: from a pretrained tower and a table of labels to a model that predicts, on one process or many.
#pragma once

#include "pillar/train/finetune_config.h"
#include "pillar/train/training_options.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

struct FinetuneOptions : TrainingOptions {
  FinetuneConfig config;             // architecture: a file, or empty
  std::vector<std::string> command;  // argv, for metrics.json
};

struct FinetuneOutcome {
  std::int64_t steps = 0;           // done in all, resumed ones included
  bool stopped = false;             // by a signal, after a checkpoint
  std::int64_t failed_studies = 0;  // listed in failures.csv
  std::int64_t best_step = -1;      // whose checkpoint was evaluated and exported
  std::string summary;              // of the evaluation, in words; empty where the run is not at its end
};

// Collective: every rank of `world` calls it with the same options. The run's folder (rank 0 writes it) is
// that of a pretraining run (pillar/train/pretrain.h), and at the end, from the best checkpoint:
//   export/            config.json with the block "finetune", model.safetensors, calibration.json if asked
//   for predictions/       dev.csv and test.csv: a probability and a logit for each output metrics.json
//   metrics.csv   of the test split, else of dev
// Throws Error(usage | input | io) naming key, file or study.
FinetuneOutcome run_finetune(const FinetuneOptions& options, const World& world);

// The end of run_finetune() alone: evaluates the best checkpoint of a run that is there, or where the run's
// folder has none, the model that config.init names. Writes predictions and metrics, no checkpoint and no
// export.
FinetuneOutcome evaluate_finetune(const FinetuneOptions& options, const World& world);

// What a run would do, in words: parameters, studies, steps, shapes and time of one step, which is run on the
// first batch and thrown away. Writes nothing.
std::string plan_finetune(const FinetuneOptions& options);

}  // namespace pillar
