// One volume seen through many windows, without ever being copied as floats.
#pragma once

#include "pillar/tokenizer/window.h"

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Statistics are per sample and input channel, computed once when constructed, in one parallel pass.
// Output channel = input channel * windows + window.
class WindowedVolume {
 public:
  // voxels_bcdhw: (B,C,D,H,W) on the CPU; int16, uint16 or float32. Kept, not copied. Throws Error(usage) for no window,
  // Error(input) for another dtype or shape, an empty volume, or a NaN or infinite voxel.
  WindowedVolume(at::Tensor voxels_bcdhw, const std::vector<Window>& windows);
  std::int64_t batch() const;
  std::int64_t channels() const;  // C * windows
  // Slices [first,last) of one sample: (last-first, H, W, channels) contiguous, float32, bfloat16 or float16.
  at::Tensor slab_dhwc(std::int64_t sample, std::int64_t first, std::int64_t last, at::ScalarType dtype) const;
  // Everything at once: (B, channels, D, H, W) contiguous. What training feeds to the convolutions.
  at::Tensor all_bcdhw(at::ScalarType dtype) const;

 private:
  struct ChannelMap;  // one window on one channel: an affine map and whether it clamps
  at::Tensor voxels_bcdhw_;
  std::vector<ChannelMap> maps_;  // (B, C, windows)
  std::int64_t windows_ = 0;
};

}  // namespace pillar
