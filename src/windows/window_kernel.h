// Internal: the windows' kernel (windows.cu) on tensors.
#pragma once

#include "pillar/windows/windowed_volume.h"

#include "device/shared/cuda_module.h"

#include <optional>

namespace pillar::windows {

// A copy of contiguous voxels on `device`, for those in pageable memory: all threads put them into pinned
// memory, from where they cross the bus piece by piece meanwhile. The driver would do it with one thread, and
// the CPU would wait.
at::Tensor sent_by_pieces(const at::Tensor& voxels, const at::Device& device);

// PillarCudaMap's of every sample, channel and window, (B, C, windows, 3) int32, where the kernel reads them:
// of ranges that are known, (B, C, windows) of them,
at::Tensor maps_of_ranges(const std::vector<WindowRange>& ranges, const at::IntArrayRef& shape_bcw,
                          const at::Device& device);
// or of voxels that are there already, by LibTorch's operators, without waiting for them: of int16 or
// floats that are known to be finite, and of windows that are fixed or go from the smallest to the largest
// voxel. Unset for others.
std::optional<at::Tensor> maps_without_waiting(const at::Tensor& voxels_bcdhw,
                                               const std::vector<Window>& windows, bool known_finite);

// (B, channels, D, H, W), channels innermost in memory, of voxels (B, C, D, H, W) where they are.
at::Tensor image_for(const at::Tensor& voxels_bcdhw, std::int64_t channels, at::ScalarType dtype);
// voxels_bcdhw: contiguous, where the kernels run. out_bcdhw: as image_for() makes it; zeros after the last
// window.
void write_by_kernel(const at::Tensor& voxels_bcdhw, const at::Tensor& maps_bcw3, const at::Tensor& out_bcdhw,
                     const CudaModule& kernels);

}  // namespace pillar::windows
