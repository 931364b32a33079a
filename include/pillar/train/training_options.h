// What a program says of a training beside its configuration, whatever is trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// cpu, cuda, cuda:N, or auto: cuda where there is one. cuda and auto are the GPU of this process among those
// of its host. Throws Error(usage | unsupported).
at::Device training_device(const std::string& text, std::int64_t local_rank);

struct TrainingOptions {
  std::string resume =
      "auto";  // auto: the newest good checkpoint of the run, if any; none; or a checkpoint folder
  bool allow_changes = false;  // go on with another configuration, other data or another architecture
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

}  // namespace pillar
