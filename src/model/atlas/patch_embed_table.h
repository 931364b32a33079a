// Strides and paddings of every patch embed, and what follows from them.
#pragma once

#include "model/atlas/scale_layout.h"

#include <vector>

namespace pillar {

struct ConvStep {
  Size3 stride_dhw;
  Size3 padding_dhw = {1, 1, 1};
};

// Channels behind the first convolution; those behind it are the tower's num_features.
constexpr std::int64_t kFirstStemWidth = 64;
constexpr std::int64_t kStemResidualBlocks = 3;  // behind the convolutions down

// All kernels are 3x3x3.
struct PatchEmbedTable {
  std::vector<ConvStep> conv_down;
  ConvStep ds1;
  int views = 1;  // images embedded apart by the same weights, their tokens side by side along W
};

// Views lie one behind the other along D where the image has as many slices, else side by side along W. The
// tensor axis of (B, C, D, H, W) that they are cut from: 2 or 4.
int view_axis(int views, std::int64_t depth);

const PatchEmbedTable& patch_embed_table(PatchEmbedKind kind);

// Output size of one convolution along each axis; 0 where the input is too small.
Size3 convolved(const Size3& size_dhw, const ConvStep& step);

// Tokens along D,H,W of an image of `size_dhw` voxels.
Size3 embedded_tokens_dhw(PatchEmbedKind kind, const Size3& size_dhw);

}  // namespace pillar
