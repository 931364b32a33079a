// What every subcommand that trains shares: its flags, its processes, its log.
#pragma once

#include "pillar/device/memory_fault.h"
#include "pillar/train/training_options.h"
#include "pillar/world/world.h"

#include "support/app.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace pillar {

struct TrainingArguments {
  std::string config;
  std::vector<std::string> assignments;
  std::string device = "auto";
  std::string resume = "auto";
  std::int64_t max_steps = 0, nproc = 1;
  bool skip_missing = false, dry_run = false, allow_changes = false;
};
void add_training_options(CLI::App& app, TrainingArguments& arguments, const char* skip_missing);

// What the flags say to the library. The run's report.html is written after each epoch.
TrainingOptions training_options(const TrainingArguments& arguments, const AppContext& context);

struct TrainingBody {
  double max_wait_minutes = 30;                                          // for another process
  MemoryAdvice memory;                                                   // where it runs out
  std::function<std::string(at::Device device)> plan;                    // of --dry-run
  std::function<ExitCode(at::Device device, const World& world)> train;  // collective
};
// Prints the plan, or trains: as one of the processes that a launcher has started, as the parent of --nproc
// of them, or alone. `words`: the program's arguments.
ExitCode run_training(const TrainingArguments& arguments, const std::vector<std::string>& words,
                      const TrainingBody& body);

// On rank 0 "DIR: 40 steps done", and how many studies failed; the exit code that says so.
ExitCode report_training(const World& world, const std::filesystem::path& output, std::int64_t steps,
                         bool stopped, std::int64_t failed_studies);

}  // namespace pillar
