// Internal: what makes a run that goes on the same run (RunIdentity, run_checkpoint.h).
#pragma once

#include "pillar/train/run_checkpoint.h"

#include <string>

namespace pillar {

// "processes 1 -> 2, threads 8 -> 4"; empty where a resumed run goes on to the same bits.
std::string differences(const RunIdentity& before, const RunIdentity& now);

// Whether every step of the run has the same studies and the same random draws (crops, rotation, dropout). It
// may round differently all the same.
bool have_same_draws(const RunIdentity& before, const RunIdentity& now);

}  // namespace pillar
