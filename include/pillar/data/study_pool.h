// The scans that a model is trained on. What is learned of each (a report, labels) is the caller's, by the
// study's index.
#pragma once

#include "pillar/model/preprocess_spec.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct PoolStudy {
  std::string name;
  std::filesystem::path path;
  std::string source;  // the dataset that it comes from
};

struct StudyPool {
  PreprocessSpec spec;  // what the model expects of the voxels
  std::vector<PoolStudy> studies;
};

}  // namespace pillar
