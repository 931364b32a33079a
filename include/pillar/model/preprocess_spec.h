// What a model expects of its voxels: the block "preprocess" of config.json, or the public defaults of a
// modality.
#pragma once

#include "pillar/image/body_axes.h"
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

// "SPL" and the like, or "stored", which is unset. Throws Error(usage).
std::optional<BodyAxes> parse_model_axes(std::string_view text);

struct PreprocessSpec {
  std::string modality;                                        // the tower's name
  WindowFamily family = WindowFamily::ct;                      // what its values mean
  std::optional<std::array<double, 3>> target_spacing_xyz_mm;  // unset: whatever the scan has
  SizeDhw size_dhw = {0, 0, 0};                                // voxels after crop and pad
  double pad_value = -1;                                       // in the units of the mapped voxels: -1 HU
  // The patient's directions that D, H and W run in before slices are turned round; a scan whose geometry is
  // known is brought to them. Unset: axes are taken as they are stored, whatever the geometry says.
  std::optional<BodyAxes> axes = kAxialBodyAxes;
  bool flip_depth = true;              // slices ascend before it; the model sees the head end first
  std::string windows = "all";         // of parse_windows()
  std::string normalisation = "none";  // the only one there is
  IntensityMap intensity = IntensityMap::rave10;
  std::string origin;  // where it comes from: "config.json, chest_ct", or which defaults and why
};

// By the name of the tower: abdomen_ct 1.5 mm, chest_ct 1.25 mm, brain_ct and head_ct 0.5 x 0.5 x 1.25 mm,
// breast_mr 1 mm, no spacing for others; CT and MR rave10 and axial, X-ray native and as stored. Throws
// Error(usage) where the name says neither ct, mr nor xray.
PreprocessSpec default_preprocess_spec(const std::string& modality, const SizeDhw& tower_size_dhw);

// Key preprocess.<modality> {target_spacing_xyz_mm, size_dhw, pad_value, axes, flip_depth, windows,
// normalisation, intensity, family}; keys it leaves out keep their defaults. Without the block: the defaults,
// and `origin` says so. Throws Error(input) naming file and key: an unknown key (with the nearest), a size
// other than the tower's, a spacing that is not positive.
PreprocessSpec parse_preprocess_spec(const Config& config, const std::string& modality,
                                     const SizeDhw& tower_size_dhw);

// "256x256x256 voxels (D,H,W) of 1.25x1.25x1.25 mm, pad -1, flipped along D, axes SPL, windows all,
// intensity rave10", one line; `origin` is not part of it.
std::string describe(const PreprocessSpec& spec);

}  // namespace pillar
