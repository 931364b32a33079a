// How much arithmetic an Atlas tower is, counted from its shapes as the direct formulation needs it.
#pragma once

#include "pillar/model/atlas_config.h"

namespace pillar::bench {

// 1e9 floating-point operations of one volume, a multiplication and its addition being two: convolutions,
// linear layers and attention. An implementation that needs fewer (Winograd's convolutions) is credited with
// the same. Throws what plain_embed() throws.
double atlas_gflop(const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind);

}  // namespace pillar::bench
