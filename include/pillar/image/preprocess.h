// From a loaded scan to the grid and intensities that a RAVE sample stores (formats: docs/formats.md,
// "Volume").
#pragma once

#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class MaskPolicy { detect, yes, no };  // detect: by few small whole values
const char* to_string(MaskPolicy mask) noexcept;

struct PreprocessOptions {
  Modality modality = Modality::ct;
  std::optional<std::array<double, 3>> target_spacing_xyz_mm;  // unset: keep the scanner's grid
  std::optional<std::array<std::int64_t, 2>> crop_pad_hw;      // unset: keep rows and columns
  std::optional<std::int64_t> slices;                          // more than this: keep the middle ones
  // MR only: per volume min-max to uint16 (the public engine's behaviour). Off: native signal, for lossless
  // storage.
  bool normalize_mr = true;
  MaskPolicy mask = MaskPolicy::detect;  // detect: looked at for MR only
  int threads = 0;                       // 0: all processors
};

struct PreprocessResult {
  Volume volume;  // int16 (CT), uint16 (MR and masks)
  bool is_mask = false;
  SizeDhw resample_shape = {0, 0, 0};  // after resampling, before slice selection and crop/pad
  std::int64_t first_slice = 0;        // of the resampled grid: where slice selection began
};

// The geometry follows every step: the origin moves with crop, pad and slice selection.
// Throws Error(input) if MR values are not finite, or CT values do not fit int16 (in the message: the value).
PreprocessResult preprocess(const Volume& input, const PreprocessOptions& options,
                            std::string_view source_name);

// Whether this is a segmentation: all values are whole, in [0,20], and at most 8 differ. The public engine
// also goes by words in the path (mask, seg, label), which makes masks of scans.
bool looks_like_mask(const at::Tensor& voxels);

// Slices (D-n)/2.. if there are more than n; crop rows and columns from (size-target)/2, pad diff/2 before
// and the rest after with `pad_value`, or the volume's minimum where unset. Moves the origin along.
Volume select_slices(const Volume& input, std::int64_t slices);
Volume crop_pad_hw(const Volume& input, const std::array<std::int64_t, 2>& size_hw,
                   std::optional<double> pad_value = {});

}  // namespace pillar
