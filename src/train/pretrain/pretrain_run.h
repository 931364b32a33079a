// Internal: the loop over steps and epochs.
#pragma once

#include "train/pretrain/validation.h"
#include "train/run/resume.h"
#include "train/run/run_folder.h"
#include "train/run/stop_signal.h"

#include <chrono>
#include <memory>
#include <vector>

namespace pillar {

class PretrainRun {
 public:
  PretrainRun(const PretrainOptions& options, const World& world);
  PretrainOutcome run();

 private:
  using Clock = std::chrono::steady_clock;

  void start_loaders();
  void say_plan() const;
  // All ranks hear of each other's studies and signals; false: stop before this step.
  bool agree(const std::vector<StepBatch>& batches);
  void count_bad(const std::vector<StepBatch>& batches, const at::Tensor& counts);
  void train_step();
  void log_step(const StepReport& report);
  void end_epoch();
  void validate_epoch(std::int64_t epoch);
  void checkpoint(const char* why);
  WeightMap result_weights() const;  // averaged where there is an average

  const PretrainOptions& options_;
  const PretrainConfig& config_;
  const World& world_;
  RunFolder folder_;
  PretrainSetup setup_;
  StepRunner runner_;
  RunState state_;
  StopSignal signal_;
  std::vector<std::unique_ptr<PretrainLoader>> loaders_;
  std::int64_t end_step_ = 0;
  std::int64_t stop_signal_ = 0;       // ranks that were asked to stop
  std::int64_t last_checkpoint_ = -1;  // step
  Clock::time_point checkpoint_time_;
  // Since the last row of the log.
  Clock::time_point logged_time_;
  std::int64_t logged_studies_ = 0;
  double logged_wait_ = 0;
};

}  // namespace pillar
