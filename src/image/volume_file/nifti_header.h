// The fixed part of a NIfTI-1 or NIfTI-2 file, read and judged without ITK, which repairs some of what is
// wrong in one silently.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/dicom_series.h"
#include "pillar/image/volume.h"

#include "image/volume_file/gzip_input.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace pillar {

struct NiftiHeader {
  int version = 1;
  bool swapped = false;  // the file's byte order is not this machine's
  std::array<std::int64_t, 4> size_xyzt = {1, 1, 1, 1};
  at::ScalarType type = at::kShort;  // as stored
  std::int64_t voxel_offset = 352;   // of the first voxel, from the start of the content
  double slope = 1;                  // scl_slope and scl_inter: 1 and 0 where the file does not scale
  double intercept = 0;
  std::array<double, 3> spacing_xyz = {1, 1, 1};  // pixdim[1..3], in the file's unit
  double unit_mm = 1;                             // xyzt_units: 1000 for metres, 0.001 for micrometres
  int qform_code = 0;
  int sform_code = 0;
  std::array<double, 16> qform =
      {};  // row-major, voxel index to RAS in the file's unit; valid if the code is above 0
  std::array<double, 16> sform = {};

  bool scaled() const noexcept;
  std::int64_t voxels_per_volume() const noexcept { return size_xyzt[0] * size_xyzt[1] * size_xyzt[2]; }
  std::int64_t volume_bytes() const noexcept;
};

// Throws Error(input) unless all of it makes sense and the voxels it claims fit a file of this size. Puts
// what is odd, but can be read, into `notes`.
NiftiHeader read_nifti_header(GzipInput& file, const std::filesystem::path& path, Notes& notes);

// Where the voxels lie, by the header alone: sizes from pixdim, directions from the sform where the format
// prefers it (code "scanner", no qform, or the two agree), else from the qform; all of it, offsets too, in
// the file's unit. A matrix that is slightly sheared, or up to a tenth off the sizes, is taken as its nearest
// rigid frame, with a note. Throws Error(input) where it is farther off than that.
Geometry nifti_geometry(const NiftiHeader& header, const std::filesystem::path& path, Notes& notes);

// The slices of a file whose matrix stacks them off their normal by more than that, as converters leave those
// of a tilted gantry: rows and columns are perpendicular, sizes those of the matrix. Empty for any other
// file.
std::vector<DicomPlane> tilted_slices(const NiftiHeader& header, const std::filesystem::path& path);

// Says where the file's two orientations contradict each other or the voxel size. `used` is the geometry that
// was taken.
void warn_of_nifti_geometry(const NiftiHeader& header, const Geometry& used,
                            const std::filesystem::path& path, Notes& notes);

}  // namespace pillar
