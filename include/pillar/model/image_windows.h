// Voxels to the channels that a tower takes, all at once: what training feeds to Atlas::forward. Inference
// has its own way (Encoder), which never holds them whole.
#pragma once

#include "pillar/windows/window.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// (B,C,D,H,W) int16, uint16 or float32, on the CPU or on `device`, -> (B, C * windows, D, H, W) float32,
// bfloat16 or float16 on `device`. On the CPU the result is a view of `buffer`, which is made or grown as
// needed and may be given again once the result's backward is done: fresh memory costs more than the windows
// do. known_finite: as WindowedVolume::on_cuda() has it. Throws what WindowedVolume throws.
at::Tensor windowed_image(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                          at::Device device, at::ScalarType dtype, at::Tensor& buffer,
                          bool known_finite = false);

}  // namespace pillar
