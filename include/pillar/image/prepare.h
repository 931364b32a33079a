// A scan on disk to the volume that is stored or embedded: loaded, resampled, cropped and padded, with
// intensities of 16 bits.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/image/preprocess.h"
#include "pillar/image/volume_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace pillar {

struct PrepareOptions {
  // What the scan must be. Unset: a DICOM series says it itself; a volume file is taken for CT, with a
  // warning.
  std::optional<Modality> modality;
  PreprocessOptions preprocess;              // its modality is set to the scan's
  GapPolicy gaps = GapPolicy::interpolate;   // of a DICOM series
  std::optional<std::int64_t> volume_index;  // of a 4-D file
  TiltPolicy gantry_tilt = TiltPolicy::correct;
  NanPolicy nan = NanPolicy::refuse;  // of a volume file
  // Of a CT that is resampled: padding is air (DicomLoadOptions); the public engine mixes it into the edges.
  bool padding_is_air = true;
};

struct PreparedVolume {
  Volume volume;  // on the grid asked for: int16 or uint16
  bool is_mask = false;
  // Of the scan as it was loaded, before it was resampled. With `from_true_positions` its planes lay on no
  // even grid, this one holds them all, and the volume was made of the planes themselves.
  Grid source;
  bool from_true_positions = false;
  SizeDhw resample_shape = {0, 0, 0};  // after resampling, before slice selection and crop/pad
  LoadReport report;                   // its notes have been logged
};

// `source` is the folder or file that messages name. Throws Error(input) where the options ask for the other
// modality, and whatever load_series() and preprocess() throw.
PreparedVolume prepare_series(const DicomSeries& series, const std::filesystem::path& source,
                              const PrepareOptions& options);

// Throws whatever read_volume_file() and preprocess() throw.
PreparedVolume prepare_volume_file(const std::filesystem::path& file, const PrepareOptions& options);

}  // namespace pillar
