// Contrastive pretraining: from a configuration to a trained model, on one process or many.
#pragma once

#include "pillar/train/pretrain_config.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace pillar {

// cpu, cuda, cuda:N, or auto: cuda where there is one. cuda and auto are the GPU of this process among those
// of its host. Throws Error(usage | unsupported).
at::Device training_device(const std::string& text, std::int64_t local_rank);

struct PretrainOptions {
  PretrainConfig config;  // architecture: a file
  std::string resume =
      "auto";  // auto: the newest good checkpoint of the run, if any; none; or a checkpoint folder
  std::int64_t max_steps = 0;  // stop after so many steps of the run, with a checkpoint; 0: to the end
  at::Device device = at::kCPU;
  bool skip_missing = false;  // leave out studies with a fault; else they end the run before it begins
  std::string version;        // of the program, for checkpoints
  // Called once by rank 0, when the run's folder is its own, with the path of the run's log.txt: the program
  // may let its log go there, too (init_logging()).
  std::function<void(const std::filesystem::path& log_file)> open_log;
  // Called by rank 0 after each epoch and at the end, when metrics.jsonl is up to date.
  std::function<void(const std::filesystem::path& run)> after_epoch;
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
