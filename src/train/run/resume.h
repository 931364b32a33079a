// Internal: a run's whole state, to a checkpoint and back.
#pragma once

#include "pillar/train/run_checkpoint.h"

#include "train/pretrain/pretrain_setup.h"
#include "train/pretrain/pretrain_step.h"

#include <string>

namespace pillar {

// What the bits of a run depend on beside its step, as it is now.
RunState current_state(const PretrainOptions& options, const PretrainSetup& setup, const World& world);

// Collective: rank 0 finds and reads the checkpoint that options.resume means, all ranks take it over.
// Returns the state to go on from; the initial one where there is nothing to resume. Says in the log where it
// goes on and what will not be identical to an uninterrupted run. Throws Error(input | usage).
RunState resume_run(const PretrainOptions& options, PretrainSetup& setup, StepRunner& runner,
                    const CheckpointStore* store, const World& world);

// Parameters, buffers and whatever else the model holds, by name.
NamedTensors model_tensors(const ClipModel& model);

}  // namespace pillar
