// Runs one of our programs as a user would.
#pragma once

#include "support/temp_dir.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace pillar::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if it was killed
  std::string out;     // standard output
  std::string err;     // standard error
};

// `command[0]` is the name of a program of this build, or a path.
ProgramResult run_program(const std::vector<std::string>& command);

// Starts it, kills it with SIGKILL after `milliseconds` (unless it ended by itself), and waits.
ProgramResult run_and_kill(const std::vector<std::string>& command, int milliseconds);

// A program that runs beside the test; killed, if it still runs, at the end of its life.
class RunningProgram {
 public:
  // `environment`: over the test's own variables.
  explicit RunningProgram(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment = {});
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  ProgramResult wait();  // once

 private:
  TempDir logs_;
  pid_t pid_ = 0;
};

}  // namespace pillar::test
