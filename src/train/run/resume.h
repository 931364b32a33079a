// Internal: a run's whole state, from a checkpoint.
#pragma once

#include "pillar/train/run_checkpoint.h"
#include "pillar/world/world.h"

#include "train/run/run_folder.h"
#include "train/run/task.h"

#include <string>

namespace pillar {

struct ResumeOptions {
  std::string from =
      "auto";  // the newest good checkpoint of the folder, if any; none; or a checkpoint's folder
  bool allow_changes = false;  // of configuration, data and architecture since that checkpoint
};

// Collective: rank 0 finds and reads the checkpoint that is meant, all ranks take it over. `fresh` is the
// state of a run that begins. Returns the state to go on from; `fresh` where there is nothing to resume. Says
// in the log where it goes on and what will not be identical to an uninterrupted run. Throws Error(input |
// usage): usage where the run is made of something else now, listing what; if that is allowed, the list goes
// to the log and the configuration before is kept as config.before-step-<step>.yaml.
RunState resume_run(const ResumeOptions& resume, const RunState& fresh, RunTask& task, RunFolder& folder,
                    const World& world);

}  // namespace pillar
