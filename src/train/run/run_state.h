// state.json of a checkpoint.
#pragma once

#include "pillar/train/run_checkpoint.h"

#include <filesystem>
#include <string>

namespace pillar {

std::string format_run_state(const RunState& state);
// Throws Error(input) naming file and fault.
RunState parse_run_state(const std::string& json, const std::filesystem::path& file);

}  // namespace pillar
