// A block that keeps nothing but its input, and is computed again in the backward.
#pragma once

#include "model/atlas/block.h"

namespace pillar {

void run_checkpointed(const AtlasBlock& block, ScaleTokens& scales, const PassOptions& pass);

}  // namespace pillar
