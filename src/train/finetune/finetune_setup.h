// Internal: what a finetuning is made of before its first step.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/outcome_pool.h"
#include "pillar/data/study_loader.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/train/finetune.h"
#include "pillar/windows/window.h"

#include "train/run/memory_plan.h"
#include "train/run/run_checks.h"

#include <memory>
#include <string>
#include <vector>

namespace pillar {

struct FinetuneSetup {
  AtlasConfig atlas;        // of the one tower that is finetuned
  std::string config_json;  // of the exported model
  std::string data_digest;  // of labels and of the studies that could be opened
  std::string init_table;   // what was taken from the checkpoint; empty where nothing was
  HeadsConfig heads;
  PreprocessSpec spec;
  std::vector<Window> windows;
  OutcomeTable table;  // all splits; of the training studies those that data.train_fraction keeps
  OutcomePool train, dev, test;
  Notes notes;                     // what was said of the table while it was read
  Notes warnings;                  // what else is said before the first step
  DiskNeed disk;                   // of rank 0
  std::vector<StudyFault> faults;  // of studies that are left out
  std::unique_ptr<FinetunedModel> model;
  BatchShape shape;
  std::int64_t steps_per_epoch = 0, total_steps = 0;

  const OutcomePool& pool(OutcomeSplit split) const;
};

// Reads and checks everything. Throws Error with a table of all faulty studies unless they are to be skipped.
// Collective: processes whose tables or studies differ stop here.
FinetuneSetup set_up_finetune(const FinetuneOptions& options, const World& world);

// What its steps take.
MemoryPlan memory_of(const FinetuneSetup& setup, const FinetuneOptions& options);

// Rows of `table.values` and of the studies' laterality for studies of a pool, by their indices in it.
at::Tensor values_of(const OutcomeTable& table, const OutcomePool& pool,
                     const std::vector<std::int64_t>& studies);
at::Tensor laterality_of(const OutcomeTable& table, const OutcomePool& pool,
                         const std::vector<std::int64_t>& studies);

// The parameters that `freeze` leaves to the optimiser, and the buffers of what it leaves to train.
Parameters trained_parameters(const FinetunedModel& model, Freeze freeze);
// Of those, the heads' alone.
Parameters head_parameters(const FinetunedModel& model);

}  // namespace pillar
