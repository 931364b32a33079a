// Internal: the windows' kernel (windows.cu) on tensors.
#pragma once

#include "pillar/windows/windowed_volume.h"

#include "device/shared/cuda_module.h"

namespace pillar::windows {

// voxels_bcdhw: contiguous, where the kernels run. ranges: (B, C, windows). Returns (B, channels, D, H, W),
// channels innermost in memory, zeros after the last window.
at::Tensor windows_by_kernel(const at::Tensor& voxels_bcdhw, const std::vector<WindowRange>& ranges,
                             std::int64_t channels, at::ScalarType dtype, const CudaModule& kernels);

// A copy of contiguous voxels on `device`, for those in pageable memory: all threads put them into pinned
// memory, from where they cross the bus piece by piece meanwhile. The driver would do it with one thread, and
// the CPU would wait.
at::Tensor sent_by_pieces(const at::Tensor& voxels, const at::Device& device);

}  // namespace pillar::windows
