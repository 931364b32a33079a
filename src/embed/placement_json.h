// Internal: where the voxels of a model's input lie, as text that reads back to the same numbers.
#pragma once

#include "pillar/data/placement.h"

#include <filesystem>
#include <string>

namespace pillar {

std::string placement_json(const Placement& placement);
// `file` is for messages. Throws Error(input) naming the key.
Placement parse_placement(const std::string& text, const std::filesystem::path& file);

}  // namespace pillar
