// What every program shares: logging flags, the error line, and the exit codes.
#pragma once

#include "pillar/core/error.h"
#include "pillar/core/log.h"

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace pillar {

// Adds --log-level, --quiet, --log-file to a program or subcommand.
void add_log_options(CLI::App& app, LogOptions& options);

// Parses, sets up the log, and runs the subcommand that was named. Prints "error: ..." and returns the exit
// code of whatever it threw. Subcommands are added by `add` with their callbacks, which return an ExitCode
// through `result`.
struct AppContext {
  CLI::App app;
  std::vector<std::string> words;  // argv
  LogOptions log;
  ExitCode result = ExitCode::ok;
};
int run_app(int argc, char** argv, const char* description, const std::function<void(AppContext&)>& add);

}  // namespace pillar
