// The flags that say what to do with a scan that is not as a volume has to be, alike in every program.
#pragma once

#include "pillar/image/reading_policies.h"

#include <string>

#include <CLI/CLI.hpp>

namespace pillar {

// --gaps, --gantry-tilt and --nan; `group` is the heading in --help that they stand below, empty: none.
void add_reading_flags(CLI::App& command, ReadingPolicies& policies, const std::string& group = "Options");

}  // namespace pillar
