// From the map that finetuning heads look at (AtlasOutput::activ) back to where its values come from.
#pragma once

#include "pillar/model/atlas_config.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// Weights of activ's voxels, (T,Y,X), to weights of the tower's finest tokens, (D,H,W) float32 with the same
// sum, each axis of which covers the whole axis of the image in equal parts. It undoes what makes activ:
// - each of its axes covers a whole axis of the grid that windows are arranged on, though the released models
//   resize that grid to patches along H, W and D; so a voxel's weight goes to the tokens of its extent;
// - windows of tokens, arranged as the configuration says, go back to where they were cut from.
// Throws Error(input) for weights of another size than the tower's activ has.
at::Tensor activ_to_tokens(const at::Tensor& weights_tyx, const TowerConfig& tower, PatchEmbedKind kind);

}  // namespace pillar
