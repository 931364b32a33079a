// Internal: seconds of a clock that never goes back, for differences.
#pragma once

#include <chrono>

namespace pillar {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace pillar
