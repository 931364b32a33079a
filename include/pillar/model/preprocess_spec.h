// What a model expects of its voxels: the block "preprocess" of config.json, or the public defaults of a
// modality.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/windows/window.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pillar {

class Config;

enum class IntensityMap {
  rave10,  // as they come out of the published 10-bit stream, which the released weights were trained on
  native,  // as they are stored
};
const char* to_string(IntensityMap map) noexcept;
IntensityMap parse_intensity_map(std::string_view text);  // throws Error(usage)

struct PreprocessSpec {
  std::string modality;                                        // the tower's name
  WindowFamily family = WindowFamily::ct;                      // what its values mean
  std::optional<std::array<double, 3>> target_spacing_xyz_mm;  // unset: whatever the scan has
  SizeDhw size_dhw = {0, 0, 0};                                // voxels after crop and pad
  double pad_value = -1;                                       // in the units of the mapped voxels: -1 HU
  bool flip_depth = true;              // slices ascend in storage; the model sees the head end first
  std::string windows = "all";         // of parse_windows()
  std::string normalisation = "none";  // the only one there is
  IntensityMap intensity = IntensityMap::rave10;
  std::string origin;  // where it comes from: "config.json, chest_ct", or which defaults and why
};

// By the name of the tower: abdomen_ct 1.5 mm, chest_ct 1.25 mm, brain_ct and head_ct 0.5 x 0.5 x 1.25 mm,
// breast_mr 1 mm, no spacing for others; X-ray native, CT and MR rave10. Throws Error(usage) where the name
// says neither ct, mr nor xray.
PreprocessSpec default_preprocess_spec(const std::string& modality, const SizeDhw& tower_size_dhw);

// Key preprocess.<modality> {target_spacing_xyz_mm, size_dhw, pad_value, flip_depth, windows, normalisation,
// intensity, family}; keys it leaves out keep their defaults. Without the block: the defaults, and `origin`
// says so. Throws Error(input) naming file and key: an unknown key (with the nearest), a size other than the
// tower's, a spacing that is not positive.
PreprocessSpec parse_preprocess_spec(const Config& config, const std::string& modality,
                                     const SizeDhw& tower_size_dhw);

// "256x256x256 voxels (D,H,W) of 1.25x1.25x1.25 mm, pad -1, flipped along D, windows all, intensity
// rave10", one line; `origin` is not part of it.
std::string describe(const PreprocessSpec& spec);

}  // namespace pillar
