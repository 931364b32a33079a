// The patch embed for inference on whole maps: for a device that has the memory and the parallel units to
// want them so.
#pragma once

#include "model/encoder/folded_stem.h"

#include <ATen/core/Tensor.h>

namespace pillar {

class WholeStem {
 public:
  WholeStem(const PatchEmbed& embed, at::ScalarType compute)
      : compute_(compute), stem_(embed, compute, StemConvs::direct) {}
  // (B, channels, D, H, W) to tokens (B, d, h, w, dim) float32.
  at::Tensor operator()(const at::Tensor& image_bcdhw) const;

 private:
  at::Tensor view_tokens(const at::Tensor& image_bcdhw) const;

  at::ScalarType compute_;
  FoldedStem stem_;
};

}  // namespace pillar
