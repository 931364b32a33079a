// How each family of formats is read; volume_file.cc checks what they share.
#pragma once

#include "pillar/image/volume_file.h"

#include "image/dicom/dicom_grid.h"
#include "image/volume_file/itk_io.h"

namespace pillar {

// What an NRRD or MetaImage header says of its voxels.
struct VolumeHeader {
  at::ScalarType type = at::kShort;  // as stored
  std::array<std::int64_t, 4> size_xyzt = {1, 1, 1, 1};
  Geometry geometry;
};

// A file's voxels where they are stored. Of a file whose slices are stacked off their normal, what is to
// become of them: then the geometry is that of the correction's frame.
struct StoredVolume {
  Volume volume;
  std::optional<PlaneCorrection> correction = {};
  std::optional<double> tilt_deg = {};
};

// What read_volume_file() reads, before the correction.
StoredVolume read_stored_volume(const std::filesystem::path& path, const VolumeFileOptions& options,
                                Notes& notes);

// Its volume on an even grid: resampled once where there is a correction, else as it is.
Volume straightened(StoredVolume stored, const DicomLoadOptions& options, LoadReport& report);

// Index of the volume to read from a file with `volumes` of them. Throws Error(usage) if there is none such.
std::int64_t choose_volume(std::int64_t volumes, const VolumeFileOptions& options,
                           const std::filesystem::path& path, Notes& notes);

// Geometry of most files through ITK; voxels straight from the (gzipped) file into the tensor: ITK's own
// reader keeps a second copy, and reads all volumes of a 4-D file for one.
StoredVolume read_nifti(const std::filesystem::path& path, const VolumeFileOptions& options, Notes& notes);

Grid read_nifti_grid(const std::filesystem::path& path);

// Voxels straight into the tensor, once the header's claims were judged.
Volume read_nrrd_or_meta(VolumeFormat format, const std::filesystem::path& path,
                         const VolumeFileOptions& options, Notes& notes);

Grid read_nrrd_or_meta_grid(VolumeFormat format, const std::filesystem::path& path);

}  // namespace pillar
