// Runs one of our programs as a user would.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pillar::test {

struct ProgramResult {
  int exit_code = -1;    // 128 + signal if it was killed
  std::string out;       // standard output
  std::string err;       // standard error
};

// `command[0]` is the name of a program of this build, or a path.
ProgramResult run_program(const std::vector<std::string>& command);

// Starts it, kills it with SIGKILL after `milliseconds` (unless it ended by itself), and waits.
ProgramResult run_and_kill(const std::vector<std::string>& command, int milliseconds);

}  // namespace pillar::test
