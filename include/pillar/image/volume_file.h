// NIfTI-1 and -2, NRRD and MetaImage files. Geometry is LPS and millimetres on both sides, whatever the
// file's.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/dicom_series.h"
#include "pillar/image/volume.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// By name: .nii .nii.gz .nrrd .nhdr .mha .mhd; and .hdr, which is refused with a word on what to do.
bool is_volume_file(const std::filesystem::path& path);

// The name that such a file gives its scan: its own without .nii.gz and the like.
std::string volume_file_name(const std::filesystem::path& path);

// The files that it lies in: itself, and where a header names one the file of its voxels. Reads a text header
// at most; throws what reading that throws.
std::vector<std::filesystem::path> volume_file_parts(const std::filesystem::path& path);

// What to do with voxels that are NaN.
enum class NanPolicy {
  refuse,
  air,  // CT: -1024 HU; MR: the least value there is
};

struct VolumeFileOptions {
  Modality modality = Modality::ct;
  std::optional<std::int64_t> volume;  // which volume of a 4-D file; unset: the first, with a warning
  NanPolicy nan = NanPolicy::refuse;
  TiltPolicy gantry_tilt = TiltPolicy::correct;  // of a NIfTI whose matrix stacks slices off their normal
};

// 3-D, or 4-D with options.volume. Scalar pixels; types keep their width (a scaled NIfTI becomes float, as
// ITK has it), but int8 becomes int16, and wider integers int32 where they fit. What the file leaves open or
// says twice goes to `notes`, and what was made of slightly sheared axes. A NIfTI that a tilted gantry left
// sheared is resampled to an even grid, as fine as its slices are, or what the options say. Throws
// Error(unsupported) for Analyze and NIfTI pairs and for voxels as text or in several files; Error(input)
// naming the file: truncated, no scalar pixels, NaN (with their count) or infinity, zero, negative or
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
