// Internal: a run's whole state, from a checkpoint.
#pragma once

#include "pillar/train/run_checkpoint.h"
#include "pillar/world/world.h"

#include "train/run/run_folder.h"
#include "train/run/task.h"

#include <string>

namespace pillar {

// Collective: rank 0 finds and reads the checkpoint that `resume` means (auto: the newest good one of the
// folder, if any; none; or a checkpoint's folder), all ranks take it over. `fresh` is the state of a run that
// begins. Returns the state to go on from; `fresh` where there is nothing to resume. Says in the log where it
// goes on and what will not be identical to an uninterrupted run. Throws Error(input | usage).
RunState resume_run(const std::string& resume, const RunState& fresh, RunTask& task, RunFolder& folder,
                    const World& world);

}  // namespace pillar
