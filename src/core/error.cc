#include "pillar/core/error.h"

namespace pillar {

ExitCode exit_code(ErrorCategory category) noexcept {
  return category == ErrorCategory::usage ? ExitCode::usage : ExitCode::failed;
}

const char* to_string(ErrorCategory category) noexcept {
  switch (category) {
    case ErrorCategory::usage:
      return "usage";
    case ErrorCategory::input:
      return "input";
    case ErrorCategory::io:
      return "io";
    case ErrorCategory::unsupported:
      return "unsupported";
  }
  return "unknown";
}

}  // namespace pillar
