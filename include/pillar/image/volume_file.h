// NIfTI, NRRD and MetaImage files, through ITK. Geometry is LPS on both sides (ITK flips NIfTI's RAS).
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/volume.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// By name: .nii .nii.gz .nrrd .nhdr .mha .mhd
bool is_volume_file(const std::filesystem::path& path);

// The name that such a file gives its scan: its own without .nii.gz and the like.
std::string volume_file_name(const std::filesystem::path& path);

struct VolumeFileOptions {
  Modality modality = Modality::ct;
  std::optional<std::int64_t> volume;  // which volume of a 4-D file; unset: the first, with a warning
};

// 3-D, or 4-D with options.volume. Scalar pixels; types keep their width (a scaled NIfTI becomes float, as
// ITK has it), but int8 becomes int16, and wider integers int32 where they fit. What the file leaves open or
// says twice goes to `notes`. Throws Error(unsupported) for NIfTI-2 and for voxels as text or in several
// files; Error(input) naming the file: truncated, no scalar pixels, NaN or infinity, zero, negative or
// non-finite spacing, a singular direction, sizes whose product overflows or that the file cannot hold.
Volume read_volume_file(const std::filesystem::path& path, const VolumeFileOptions& options, Notes& notes);

// Where the voxels of such a file lie, of its header alone. Throws what read_volume_file() throws for
// headers.
Grid read_volume_grid(const std::filesystem::path& path);

// Format by extension, compressed where the extension says so or the format can (.nii.gz, .nrrd, .mha).
// Atomic, and read back before it appears. NIfTI keeps geometry as float32. Throws Error(unsupported) for
// .mhd and .nhdr (two files), Error(usage) for another dtype, Error(input) for NaN or infinity, Error(io).
void write_volume_file(const std::filesystem::path& path, const Volume& volume);

}  // namespace pillar
