// Internal: load_weights() for a caller that gives pages back.
#pragma once

#include "pillar/nn/weight_files.h"

namespace pillar {

// load_weights(), and the files that its tensors are views of.
WeightMap load_weights(const std::filesystem::path& model, MappedFiles& files);

}  // namespace pillar
