// 3x3x3 convolutions of stride 1 by Winograd's minimal filtering, F(2x2x2, 3x3x3) (Lavin and Gray, arXiv
// 1509.09308): 64 multiplications for 8 outputs where the direct form takes 216, with transforms that only
// add and subtract.
#pragma once

#include "model/encoder/winograd_job.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// Slices [first, last) of a volume of `depth` slices, each (height, width, channels) contiguous float32.
struct SliceRows {
  const float* data = nullptr;
  std::int64_t first = 0, last = 0, depth = 0;
};

class WinogradConv {
 public:
  // Whether this processor has a kernel for these weights (out, in, 3, 3, 3): AVX2 or AVX-512, 16 channels at
  // a time. For bfloat16 a processor without native products has none.
  static bool usable(const at::Tensor& weight, at::ScalarType compute);
  // weight, bias: float32 on the CPU. `kernel`: another one than the processor's best, for tests.
  WinogradConv(const at::Tensor& weight, const at::Tensor& bias, at::ScalarType compute,
               const WinogradKernel* kernel = nullptr);

  // Outputs [first, last) of a convolution padded by one on every side. first must be even, last even or the
  // depth; `in` must hold [first-1, last+1) as far as the volume goes. out: (last-first, height, width, out)
  // contiguous. `scratch` is made or enlarged as needed: one for a chain of convolutions spares fresh pages.
  void operator()(const SliceRows& in, std::int64_t height, std::int64_t width, std::int64_t first,
                  std::int64_t last, float* out, at::Tensor& scratch) const;

 private:
  const WinogradKernel* kernel_;
  at::Tensor packed_, bias_;
  std::int64_t in_channels_, out_channels_;
};

}  // namespace pillar
