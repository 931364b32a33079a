// Internal: the folder that a run's files are written to.
#pragma once

#include <filesystem>

namespace pillar {

// Makes the folder of a run. Throws Error(io) naming it.
void make_run_folder(const std::filesystem::path& run_folder);

}  // namespace pillar
