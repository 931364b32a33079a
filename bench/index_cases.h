// The cases of `pillar-bench index`: what a folder of DICOM files holds, from headers alone.
#pragma once

#include "runner.h"

#include <filesystem>
#include <vector>

namespace pillar::bench {

struct IndexOptions {
  std::filesystem::path folder;    // DICOM files, directly in it
  std::filesystem::path scratch;   // folder for what the cases write
  std::filesystem::path programs;  // folder of pillar-rave
  int threads = 0;
  bool encode = false;  // of a folder that was written for it: any other may hold what cannot be encoded
};

std::vector<Case> index_cases(const IndexOptions& options);

// `series` series of `slices` slices of size x size voxels, all in one folder.
void write_index_folder(const std::filesystem::path& folder, int series, int slices, int size);

}  // namespace pillar::bench
