// Internal: the loop over steps and epochs of any kind of training: when to validate, write a checkpoint, log
// and stop, and where a run goes on.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/note_kind.h"
#include "pillar/train/run_checkpoint.h"
#include "pillar/train/trainer_config.h"
#include "pillar/train/training_options.h"
#include "pillar/world/world.h"

#include "train/run/epoch_progress.h"
#include "train/run/monitor.h"
#include "train/run/run_folder.h"
#include "train/run/stop_signal.h"
#include "train/run/study_notes.h"
#include "train/run/task.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pillar {

// Studies that a run draws from; a step has some of every pool. A small pool's epochs are shorter than the
// run's.
struct RunPool {
  std::string name;
  std::int64_t studies = 0;
  std::int64_t steps_per_epoch = 1;
  std::vector<std::string> keys = {};  // of study_keys()
  bool draws = false;                  // with replacement, by weights
};

// How long a run is, and when the loop does what.
struct RunPlan {
  RunIdentity identity;  // total_steps and batch_size, too
  std::vector<RunPool> pools;
  BatchShape shape;
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;   // stop after so many steps of the run; 0: at its end
  double max_bad_fraction = 0;  // of a pool's studies in an epoch; more of them end the run
  std::int64_t log_steps = 10, checkpoint_steps = 500, checkpoint_minutes = 15;
  std::int64_t validation_epochs = 1;
  Monitor monitor;
  std::int64_t patience_epochs = 0;  // end after so many epochs without a better checkpoint; 0: never
  std::string resume = "auto";       // what resume_run() takes
  bool allow_changes = false;        // go on although the run is made of something else now
  std::string config_yaml;           // for the run's folder
  // Of the studies and what is known of them, in their order; of the exported model's config.json.
  std::string data_digest, architecture_digest;
  Notes notes;                        // said before the first step
  std::vector<NoteKind> study_notes;  // likewise, of the studies' headers
  // Called by rank 0 after each epoch and at the end; may be empty.
  std::function<void(const std::filesystem::path& run)> after_epoch;
};

// What a configuration's common part and the program say of a run; pools, steps and monitor are the caller's.
RunPlan run_plan(const TrainerConfig& config, const TrainingOptions& options, const World& world);

struct RunOutcome {
  std::int64_t steps = 0;           // done in all, resumed ones included
  bool stopped = false;             // by a signal, after a checkpoint
  bool complete = false;            // all steps of the plan are done, or its patience has ended
  std::int64_t failed_studies = 0;  // listed in failures.csv
  std::int64_t best_step = -1;      // of the best checkpoint; -1: nothing was validated
  double best_value = 0;
};

class RunLoop {
 public:
  // Collective: resumes what there is to resume and starts the task.
  RunLoop(const RunPlan& plan, RunTask& task, RunFolder& folder, const World& world);
  RunOutcome run();  // collective

 private:
  using Clock = std::chrono::steady_clock;

  void start_task();
  // All ranks hear of each other's studies and signals; false: stop before this step.
  bool agree(const std::vector<LoadedStudies>& loaded);
  bool any_asked_to_stop() const;  // collective
  void count_bad(std::size_t pool, const std::vector<BadStudy>& own, std::int64_t good, std::int64_t bad);
  void train_step();
  bool out_of_patience() const;
  void log_step();
  void end_epoch();
  bool validate_epoch(std::int64_t epoch);  // false: it was broken off, since some rank was asked to stop
  void compare_with_best(const NamedValues& values);
  void checkpoint(const char* why);
  void export_result();
  void require_written() const;  // collective
  void tell_program() const;
  void say_notes();  // collective: those of the studies loaded so far that were not said

  const RunPlan& plan_;
  RunTask& task_;
  RunFolder& folder_;
  const World& world_;
  RunState state_;
  StopSignal signal_;
  SaidNotes said_;
  bool loaded_notes_said_ = false;               // after the first step; then after each epoch
  std::map<std::string, PoolProgress> resumed_;  // what state_ said of the pools at first
  std::vector<EpochClock> pool_clocks_;
  EpochClock clock_;  // of the pool whose epochs are longest, which are the run's
  std::int64_t total_steps_ = 0;
  std::int64_t end_step_ = 0;
  bool stopping_ = false;                        // some rank was asked to stop
  std::int64_t last_checkpoint_ = -1;            // step
  std::string checkpoint_fault_, export_fault_;  // why the newest is not on disk; empty where it is
  Clock::time_point checkpoint_time_;
  // Since the last row of the log.
  Clock::time_point logged_time_;
  std::int64_t logged_studies_ = 0;
  double logged_wait_ = 0;
};

}  // namespace pillar
