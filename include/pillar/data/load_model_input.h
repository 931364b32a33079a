// A scan on disk to the voxels that a model sees, in one call.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/model_input.h"

#include <filesystem>

namespace pillar {

// open_scan(), read() and model_input() of a sample, a DICOM folder or a volume file, on the grid of `spec`.
// What is said of the scan is added to `notes`. Throws what those throw.
ModelInput load_model_input(const std::filesystem::path& scan, const PreprocessSpec& spec, Notes& notes);

}  // namespace pillar
