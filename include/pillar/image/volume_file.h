// NIfTI, NRRD and MetaImage files, through ITK. Geometry is LPS on both sides (ITK flips NIfTI's RAS).
#pragma once

#include "pillar/image/volume.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// By name: .nii .nii.gz .nrrd .nhdr .mha .mhd
bool is_volume_file(const std::filesystem::path& path);

struct VolumeFileOptions {
  Modality modality = Modality::ct;
  std::optional<std::int64_t> volume;  // which volume of a 4-D file; unset: the first, with a warning
};

// 3-D, or 4-D with options.volume. Scalar pixels; types keep their width (a scaled NIfTI becomes float, as ITK has it).
// Throws Error(input) naming the file: truncated, no scalar pixels, NaN or infinity, zero, negative or non-finite spacing,
// a singular direction, sizes whose product overflows or that the file cannot hold.
Volume read_volume_file(const std::filesystem::path& path, const VolumeFileOptions& options,
                        std::vector<std::string>& warnings);

// Format by extension, compressed where the extension says so or the format can (.nii.gz, .nrrd, .mha). Atomic.
void write_volume_file(const std::filesystem::path& path, const Volume& volume);

}  // namespace pillar
