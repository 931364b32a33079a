// How much memory a training pass of a tower takes, from shapes alone: before anything is allocated.
#pragma once

#include "pillar/model/atlas.h"
#include "pillar/model/atlas_config.h"

#include <algorithm>

namespace pillar {

// Bytes a study.
struct AtlasMemory {
  double image = 0;           // the windows, which the stem takes in
  double stem_kept = 0;       // what the stem's forward keeps for its backward
  double stem_at_work = 0;    // what it holds beside that, at most
  double blocks_kept = 0;     // likewise, of all blocks
  double blocks_at_work = 0;  // of the block that holds most
  // The blocks' backward comes first, while the stem's maps wait; then the stem's, when the blocks are done.
  double peak() const { return image + stem_kept + std::max(stem_at_work, blocks_kept + blocks_at_work); }
};

// Of a forward and its backward in the pass's compute type, on its device, with what it checkpoints and
// freezes. What LibTorch's tensors hold; the workspaces of convolutions come on top.
AtlasMemory atlas_memory(const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind,
                         const AtlasPass& pass);

}  // namespace pillar
