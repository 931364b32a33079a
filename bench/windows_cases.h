// The cases of `pillar-bench windows`.
#pragma once

#include "runner.h"

#include <cstdint>

namespace pillar::bench {

struct WindowsOptions {
  std::int64_t size = 256;  // of the cube of voxels
  int threads = 0;
};

std::vector<Case> windows_cases(const WindowsOptions& options);

}  // namespace pillar::bench
