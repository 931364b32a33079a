// The grids of tokens that a readout is the maximum of, and how they nest.
#pragma once

#include "pillar/model/atlas_config.h"

#include <array>
#include <cstdint>
#include <vector>

namespace pillar {

// One emitted scale. The finest scale's tokens cover each axis of the model's input in equal parts; a token
// of a coarser scale covers a block of them.
struct TokenScale {
  std::array<std::int64_t, 3> tokens_dhw = {0, 0, 0};
  std::array<std::int64_t, 3> finest_dhw = {1, 1, 1};  // the finest scale's tokens that one of these covers
  std::int64_t count() const { return tokens_dhw[0] * tokens_dhw[1] * tokens_dhw[2]; }
  bool operator==(const TokenScale&) const = default;
};

// Of each stage of a tower, finest first. Tokens that are left over where a scale's size is no multiple of
// the pooling belong to no token of the coarser ones. Throws Error(unsupported) for two views one behind the
// other, whose tokens lie side by side, and what scale_layout() throws.
std::vector<TokenScale> token_scales(const AtlasConfig& config, const TowerConfig& tower,
                                     PatchEmbedKind kind);

}  // namespace pillar
