// Finetuning: from a pretrained tower and a table of labels to a model that predicts, on one process or many.
#pragma once

#include "pillar/train/finetune_config.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace pillar {

struct FinetuneOptions {
  FinetuneConfig config;  // architecture: a file, or empty
  std::string resume =
      "auto";  // auto: the newest good checkpoint of the run, if any; none; or a checkpoint folder
  std::int64_t max_steps = 0;  // stop after so many steps of the run, with a checkpoint; 0: to the end
  at::Device device = at::kCPU;
  bool skip_missing = false;         // leave out studies with a fault; else they end the run before it begins
  std::string version;               // of the program, for checkpoints
  std::vector<std::string> command;  // argv, for metrics.json
  // Called once by rank 0, when the run's folder is its own, with the path of the run's log.txt.
  std::function<void(const std::filesystem::path& log_file)> open_log;
  // Called by rank 0 after each epoch and at the end, when metrics.jsonl is up to date.
  std::function<void(const std::filesystem::path& run)> after_epoch;
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
