// Errors that a user can cause, and the exit code each one ends a program with.
#pragma once

#include <stdexcept>
#include <string>

namespace pillar {

enum class ErrorCategory {
  usage,        // the call's own words are wrong: an unknown option, a bad combination
  input,        // a file's content is wrong: truncated, mislabelled, out of range
  io,           // the operating system said no: missing file, no permission, full disk
  unsupported,  // well-formed, but nothing here can read or do it
};

// Process exit codes of every program.
enum class ExitCode : int {
  ok = 0,
  failed = 1,
  usage = 2,
  some_inputs_failed = 3,  // the job finished; failures.csv lists what did not
};

// Thrown by everything that can fail on user data. The message names the file and the fault, in one line.
class Error : public std::runtime_error {
 public:
  Error(ErrorCategory category, const std::string& message)
      : std::runtime_error(message), category_(category) {}
  ErrorCategory category() const noexcept { return category_; }

 private:
  ErrorCategory category_;
};

ExitCode exit_code(ErrorCategory category) noexcept;
const char* to_string(ErrorCategory category) noexcept;

}  // namespace pillar
