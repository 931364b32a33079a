// The token pyramid of a tower: grids, windows and how many scales there are.
#pragma once

#include "pillar/model/atlas_config.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

using Size3 = std::array<std::int64_t, 3>;

// Axis by axis, what is left over dropped.
Size3 divided(const Size3& a, const Size3& by);

// Tokens that the configuration promises: image size / patch size, in H,W,D.
Size3 configured_tokens_hwd(const TowerConfig& tower);

// One entry a scale, finest first. `tokens_dhw` is the patch embed's real output, whose axes may differ from
// what the configuration says (the 884 embed). Throws Error(input) naming modality and key where windows do
// not divide a grid, a scale's windows do not divide the finer one's, or pooled windows do not fill the next
// scale.
std::vector<ScaleLayout> scale_layout(const TowerConfig& tower, const Size3& tokens_dhw);

}  // namespace pillar
