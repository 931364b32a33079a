// The patch embed for inference on whole maps: for a device that has the memory and the parallel units to
// want them so.
#pragma once

#include "device/shared/cuda_module.h"
#include "model/encoder/folded_stem.h"

#include <ATen/core/Tensor.h>

namespace pillar {

class WholeStem {
 public:
  // kernels: what finishes convolutions and norms; null: LibTorch's operators.
  WholeStem(const PatchEmbed& embed, at::ScalarType compute, const CudaModule* kernels);
  // Channels of the images that it takes: the tower's, and with kernels in a type of 16 bits zeros up to a
  // multiple of 16, without which the first convolution misses the fast units (3.4 instead of 0.7 ms on an
  // H200).
  std::int64_t channels() const { return stem_.down.front().weight.size(1); }
  // (B, channels, D, H, W) to tokens (B, d, h, w, dim) float32. The image is let go of once it has been read.
  at::Tensor operator()(at::Tensor image_bcdhw) const;
  // Peak of the maps in flight for one sample of this size, its image included.
  std::uint64_t estimated_bytes(const Size3& size_dhw) const;

 private:
  at::Tensor view_tokens(at::Tensor image_bcdhw) const;
  at::Tensor finished(at::Tensor x, const FoldedConv& conv, PillarCudaActivation activation,
                      const at::Tensor& residual) const;
  Execution execution() const;

  at::ScalarType compute_;
  const CudaModule* kernels_;
  FoldedStem stem_;
};

}  // namespace pillar
