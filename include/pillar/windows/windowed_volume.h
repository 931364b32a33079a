// One volume seen through many windows, without ever being copied as floats.
#pragma once

#include "pillar/windows/window.h"

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// What a window shows as 0 and as 1, in the volume's own values: clamp((x - low) / width, 0, 1).
struct WindowRange {
  double low = 0;
  double width = 1;
};

struct WindowsOnCuda {
  at::Device device;
  at::ScalarType dtype;        // float32, bfloat16 or float16
  std::int64_t at_least = 0;   // channels; what is missing follows as zeros
  bool known_finite = false;   // float voxels, which are then not looked at where no window asks for it
  at::Tensor into_bcdhw = {};  // what an earlier call of this shape returned, to be written over
};

// Statistics are per sample and input channel, computed once when constructed, and only those that the
// windows need. Output channel = input channel * windows + window. Work is spread over at::get_num_threads()
// threads; results are the same bits for any number of them, for any slab boundaries and on any processor.
class WindowedVolume {
 public:
  // voxels_bcdhw: (B,C,D,H,W) int16, uint16 or float32, on the CPU or on a GPU, where only on_cuda() makes
  // windows of them. Kept, and copied only where it is not contiguous. Throws Error(usage) for no window or
  // one that is out of range, Error(input) for another dtype or shape, an empty volume, a NaN or infinite
  // voxel, or values that span more than a float can.
  WindowedVolume(at::Tensor voxels_bcdhw, const std::vector<Window>& windows);
  std::int64_t batch() const;
  std::int64_t channels() const;  // C * windows
  // Throws Error(usage) for a sample or channel that does not exist.
  WindowRange range(std::int64_t sample, std::int64_t channel) const;
  // Slices [first,last) of one sample: (last-first, H, W, channels) contiguous, float32, bfloat16 or float16;
  // the last two rounded to nearest even. Throws Error(usage) for slices that do not exist or another dtype.
  at::Tensor slab_dhwc(std::int64_t sample, std::int64_t first, std::int64_t last,
                       at::ScalarType dtype) const;
  // Everything at once: (B, channels, D, H, W) contiguous. What training feeds to the convolutions.
  at::Tensor all_bcdhw(at::ScalarType dtype) const;
  // The same into a tensor of that shape that is there already: memory that was never touched costs more than
  // the windows do. Throws Error(usage) unless it is contiguous, on the CPU, of the right shape and of one of
  // the three types.
  void write_all_bcdhw(at::Tensor& out) const;
  // Everything at once on a GPU, without an object: the statistics are taken while the voxels, which may be
  // there already, cross the bus. (B, channels, D, H, W), channels innermost in memory. Queued on LibTorch's
  // current stream. Throws as the constructor does, and Error(unsupported) where there is no CUDA device or
  // libpillar_cuda.so.
  static at::Tensor on_cuda(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                            const WindowsOnCuda& how);

 private:
  at::Tensor voxels_bcdhw_;
  std::vector<WindowRange> ranges_;  // (B, C, windows)
  std::int64_t windows_ = 0;
};

}  // namespace pillar
