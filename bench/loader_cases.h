// The cases of `pillar-bench loader`.
#pragma once

#include "pillar/data/scan.h"

#include "runner.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar::bench {

struct LoaderCohort {
  std::string name;              // "rave10", "lossless", or "given"
  std::filesystem::path folder;  // of samples
};

struct LoaderOptions {
  std::vector<LoaderCohort> cohorts;
  SizeDhw size_dhw = {256, 256, 256};  // of the model's input
  std::vector<int> threads;
  int passes = 2;  // over a cohort, within one run
  int batch = 4;
  int micro_batch = 2;
  std::uint64_t memory_bytes = 1ull << 30;
};

// `studies` phantoms of size^3 voxels, below `scratch` once in each storage mode.
std::vector<LoaderCohort> make_loader_cohorts(const std::filesystem::path& scratch, int studies,
                                              std::int64_t size);

std::vector<Case> loader_cases(const LoaderOptions& options);

}  // namespace pillar::bench
