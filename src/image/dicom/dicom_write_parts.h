// Internal: the two shapes that write_dicom_series() can give a series.
#pragma once

#include "pillar/image/volume.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

class DcmFileFormat;

namespace pillar {

struct SeriesIdentity {
  std::string study_uid;
  std::string series_uid;
  std::string frame_of_reference_uid;
};

// The whole volume as 16-bit words, in voxel order.
struct StoredPixels {
  const std::uint16_t* words = nullptr;  // into the volume, or into `owned`
  std::vector<std::uint16_t> owned;      // where a rescale made new values
  bool is_signed = false;
  double slope = 1;
  double intercept = 0;
};

// `file` comes with the attributes that both shapes share.
void write_slices(DcmFileFormat& file, const std::filesystem::path& folder, const SeriesIdentity& identity,
                  const Volume& volume, const StoredPixels& stored);
void write_enhanced(DcmFileFormat& file, const std::filesystem::path& path, const SeriesIdentity& identity,
                    const Volume& volume, const StoredPixels& stored);

// Explicit VR little endian. Throws Error(io) and leaves no half file.
void save_dicom(DcmFileFormat& file, const std::filesystem::path& path);

}  // namespace pillar
