// Options and output that commands with intervals share.
#pragma once

#include "pillar/metrics/bootstrap.h"

#include <string>

#include <CLI/CLI.hpp>

namespace pillar {

void add_bootstrap_options(CLI::App& command, BootstrapOptions& options,
                           const std::string& seed_of = "the resampling");

// "0.812 (0.754 to 0.861)", "0.812" without an interval, "not defined".
std::string interval_text(const Interval& interval, int digits = 3);

}  // namespace pillar
