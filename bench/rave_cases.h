// The cases of `pillar-bench rave`.
#pragma once

#include "runner.h"

#include <filesystem>
#include <vector>

namespace pillar::bench {

struct RaveOptions {
  std::filesystem::path video;     // a volume.mp4 in rave10
  std::filesystem::path sample;    // the sample it belongs to
  std::filesystem::path scratch;   // folder for what the cases write
  std::filesystem::path programs;  // folder of pillar-rave and pillar-phantom
  int threads = 0;
  int batch = 40;  // phantom series of the batch case; 0: leave it out
};

std::vector<Case> rave_cases(const RaveOptions& options);

// Size, times and errors of every mode and x265 preset on one volume.
std::vector<Case> mode_cases(const RaveOptions& options);

}  // namespace pillar::bench
