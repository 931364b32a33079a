// Volume -> DICOM: one file a slice (CT or MR Image Storage), or one Enhanced multi-frame file.
#pragma once

#include "pillar/image/volume.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace pillar {

struct DicomWriteOptions {
  std::string accession = "PILLAR";
  std::string patient_id = "ANONYMOUS";  // synthetic: samples carry no patient data
  std::string patient_name = "ANONYMOUS";
  std::int64_t series_number = 1;
  std::string series_description;
  std::string study_uid;   // empty: derived from `uid_seed`
  std::string series_uid;  // empty: derived from `uid_seed`
  std::string uid_seed =
      "pillar";           // same seed, same UIDs (2.25.<128-bit hash>): files are reproducible byte for byte
  bool enhanced = false;  // one Enhanced CT / MR multi-frame file "series.dcm" instead of "im0000.dcm", ...
  double rescale_intercept = 0;  // stored = (value - intercept) / slope must be whole and fit 16 bits
  double rescale_slope = 1;
};

// Writes int16 or uint16 voxels into `folder` (made if absent; files are written one by one, so give a
// PartialPath where it must appear at once). InstanceNumber counts from 1 along D. Explicit VR little endian.
// Throws Error(usage) on another dtype, Error(io) on a failed write.
void write_dicom_series(const std::filesystem::path& folder, const Volume& volume,
                        const DicomWriteOptions& options);

}  // namespace pillar
