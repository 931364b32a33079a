// Internal: what a run of some kind does in its steps and validations. The loop (run_loop.h) says when; a
// task (pretraining is one) knows the model, its data and its loss.
#pragma once

#include "pillar/data/study_loader.h"
#include "pillar/train/optimizer.h"

#include "train/run/update.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

using NamedValues = std::vector<std::pair<std::string, double>>;

// What this process loaded of one pool for one step.
struct LoadedStudies {
  std::int64_t count = 0;     // of those that are there
  std::vector<BadStudy> bad;  // and those that failed
};

// What the log shows of a step. The loop adds how fast steps follow each other.
struct StepLog {
  NamedValues measured;  // "loss", "lr", ...: first in the row of metrics.jsonl
  NamedValues seconds;   // "step_s", ...: last in the row
  std::string words;     // "loss 0.6931  lr 1.00e-04"
  bool left_out = false;
};

struct Validation {
  NamedValues values;          // "loss", ...; empty where there is nothing to validate
  std::vector<BadStudy> bad;   // of this rank
  bool is_broken_off = false;  // a rank was asked to stop: the rest is empty
};
// Collective: whether some rank was asked to stop. All ranks ask equally often.
using StopQuestion = std::function<bool()>;

// Where a run goes on.
struct RunStart {
  std::int64_t first_step = 0, end_step = 0;
  std::int64_t total_steps = 0;   // of the schedule
  std::vector<EpochStart> pools;  // as the plan has them; none: all stand where the steps say
};

class RunTask {
 public:
  virtual ~RunTask() = default;

  // All tensors of the model by name: what a checkpoint holds of it, and what resuming fills.
  virtual NamedTensors model_tensors() const = 0;
  virtual WeightUpdate& update() = 0;

  // Called once, before load(), when it is known where the run goes on: loading ahead may begin.
  virtual void start(const RunStart& start) = 0;
  // Where each pool of the plan stands for a run that goes on with this step; rank 0 asks.
  virtual std::vector<EpochStart> pools_at(std::int64_t step) const = 0;
  // This process's part of the next step, an entry a pool of the plan. Not collective.
  virtual std::vector<LoadedStudies> load(std::int64_t step) = 0;
  virtual double waited_seconds() const = 0;  // in load(), all calls together
  // What was said of the studies that this process has loaded so far.
  virtual std::vector<NoteKind> notes() const { return {}; }
  // Collective: trains on what was loaded last.
  virtual void train(std::int64_t step) = 0;
  virtual StepLog describe_step() const = 0;  // of the step trained last; rank 0 asks
  // Collective: with the averaged weights where there is an average. Asks `should_stop` before every batch.
  virtual Validation validate(const StopQuestion& should_stop) = 0;
  // Writes the model as it is after so many steps to a folder; rank 0 asks.
  virtual void export_to(const std::filesystem::path& folder, std::int64_t steps) const = 0;
};

}  // namespace pillar
