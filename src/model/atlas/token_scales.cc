#include "pillar/model/token_scales.h"

#include "pillar/core/fail.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"

namespace pillar {

std::vector<TokenScale> token_scales(const AtlasConfig& config, const TowerConfig& tower,
                                     PatchEmbedKind kind) {
  const int views = patch_embed_table(kind).views;
  if (views > 1 && view_axis(views, tower.size_dhw()[0]) == 2) {
    fail(ErrorCategory::unsupported,
         "modality {}: its views lie one behind the other and their tokens side by side, so that a token has "
         "no one place",
         tower.modality);
  }
  const std::vector<ScaleLayout> layout = scale_layout(tower, embedded_tokens_dhw(kind, tower.size_dhw()));
  std::vector<TokenScale> scales;
  Size3 finest = {1, 1, 1};
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    TokenScale& scale = scales.emplace_back();
    scale.finest_dhw = finest;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      scale.tokens_dhw[axis] = layout[s].cut_grid[axis] * layout[s].cut_window[axis];
      finest[axis] *= tower.local2global_dhw[axis];
    }
  }
  return scales;
}

}  // namespace pillar
