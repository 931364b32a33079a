// A patch embed's weights as inference wants them: each BatchNorm folded into the convolution before it.
#pragma once

#include "model/atlas/patch_embed.h"
#include "model/encoder/winograd.h"

#include <optional>
#include <utility>
#include <vector>

namespace pillar {

// Which form convolutions of stride 1 take.
enum class StemConvs {
  winograd,  // Winograd's where this processor has a kernel for it: for maps in slices
  direct     // LibTorch's: for whole maps
};

struct FoldedConv {
  FoldedConv() = default;
  // `norm`: none where it is null.
  FoldedConv(const Conv3d& conv, const BatchNorm* norm, at::ScalarType compute, StemConvs convs);
  ConvStep step;
  std::int64_t in_channels = 0, out_channels = 0;
  std::optional<WinogradConv> winograd;  // else:
  at::Tensor weight, bias;  // (out, in, 3, 3, 3) in the compute type, channels last; bias may be undefined
  at::Tensor exact_bias;    // the same in float32
};

struct FoldedStem {
  FoldedStem(const PatchEmbed& embed, at::ScalarType compute, StemConvs convs);
  std::vector<FoldedConv> down;
  std::vector<std::pair<FoldedConv, FoldedConv>> residual;
  LayerNorm norm;
  FoldedConv ds1;
  at::Tensor view_positions;  // (1, views, dim) where there are several
  int views = 1;
};

}  // namespace pillar
