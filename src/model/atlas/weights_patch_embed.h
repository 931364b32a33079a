// Internal: which patch embed a configuration means where it does not say so.
#pragma once

#include "pillar/model/atlas_config.h"

namespace pillar {

// `patch_embed` if set, else from the patch size and, where two kinds share one, the modality's name. Throws
// Error(input) where that does not tell.
PatchEmbedKind default_patch_embed(const TowerConfig& tower);

}  // namespace pillar
