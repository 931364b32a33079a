// A scan on disk to the volume that is stored or embedded: loaded, resampled, cropped and padded, with
// intensities of 16 bits.
#pragma once

#include "pillar/image/body_axes.h"
#include "pillar/image/preprocess.h"
#include "pillar/image/reading_policies.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace pillar {

// What brings stored values to their unit, where the file does not say it itself.
struct IntensityScale {
  double slope = 1;
  double offset = 0;
  bool operator==(const IntensityScale&) const = default;
};

struct PrepareOptions {
  // What the scan must be. Unset: a DICOM series says it itself; a volume file is taken for CT, with a
  // warning.
  std::optional<Modality> modality;
  PreprocessOptions preprocess;  // its modality is set to the scan's
  ReadingPolicies reading;
  std::optional<std::int64_t> volume_index;  // of a 4-D file
  // Of a CT that is resampled: padding is air (DicomLoadOptions); the public engine mixes it into the edges.
  bool padding_is_air = true;
  // The axes that D, H and W are brought to before the volume is resampled, so that spacing and sizes mean
  // the same directions of the patient however it was stored. Unset, or its own are not known: as stored.
  std::optional<BodyAxes> axes = {};
  IntensityScale intensity = {};  // slope x value + offset, before all else
  // Looks at the loaded voxels, in their unit, before they are resampled. Notes go with those of loading;
  // what it throws refuses the scan.
  std::function<void(const Volume& loaded, Notes& notes)> judge = {};
};

struct PreparedVolume {
  Volume volume;  // on the grid asked for: int16 or uint16
  bool is_mask = false;
  // Of the scan as it was loaded, before it was reordered and resampled. With `from_true_positions` its
  // planes lay on no even grid, this one holds them all, and the volume was made of the planes themselves.
  Grid source;
  bool from_true_positions = false;
  AxisOrder order;                     // from the axes of `source` to those of `volume`
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
