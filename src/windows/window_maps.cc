// Where the kernel's maps come from.
#include "device/shared/cuda_tensor.h"
#include "windows/window_check.h"
#include "windows/window_kernel.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/full.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>

namespace pillar::windows {
namespace {

constexpr std::int64_t kWordsOfMap = sizeof(PillarCudaMap) / sizeof(std::int32_t);

// (..., 3) of ranges' ends in double, as WindowedVolume rounds them.
at::Tensor maps_of(const at::Tensor& low, const at::Tensor& width) {
  const at::Tensor clamp = at::full(low.sizes(), 1, low.options().dtype(at::kInt));
  return at::stack(
      {low.to(at::kFloat).view(at::kInt), at::reciprocal(width).to(at::kFloat).view(at::kInt), clamp}, -1);
}

}  // namespace

at::Tensor maps_of_ranges(const std::vector<WindowRange>& ranges, const at::IntArrayRef& shape_bcw,
                          const at::Device& device) {
  std::vector<std::int64_t> shape = shape_bcw.vec();
  shape.push_back(kWordsOfMap);
  const at::Tensor maps = staging(shape, at::kInt, device);
  auto* map = static_cast<PillarCudaMap*>(maps.mutable_data_ptr());
  for (const WindowRange& range : ranges)
    *map++ = {static_cast<float>(range.low), static_cast<float>(1 / range.width), 1};
  return maps.to(device, /*non_blocking=*/true);
}

std::optional<at::Tensor> maps_without_waiting(const at::Tensor& voxels_bcdhw,
                                               const std::vector<Window>& windows, bool known_finite) {
  const bool known =
      !windows.empty() && std::all_of(windows.begin(), windows.end(), [](const Window& window) {
        return window.kind == WindowKind::level || window.kind == WindowKind::minmax;
      });
  const at::ScalarType type = voxels_bcdhw.scalar_type();
  if (!known || !(type == at::kShort || (type == at::kFloat && known_finite))) return std::nullopt;
  const std::int64_t count = static_cast<std::int64_t>(windows.size());
  const at::Tensor ends = staging({2, count}, at::kDouble, voxels_bcdhw.device());
  auto* end = ends.mutable_data_ptr<double>();
  for (std::int64_t w = 0; w < count; ++w) {
    check_window(windows[w]);
    end[w] = windows[w].centre - windows[w].width / 2;
    end[count + w] = windows[w].width;
  }
  const at::Tensor fixed = ends.to(voxels_bcdhw.device(), /*non_blocking=*/true);
  const std::vector<std::int64_t> shape = {voxels_bcdhw.size(0), voxels_bcdhw.size(1), count};
  const at::Tensor low = fixed.select(0, 0).expand(shape).clone();
  const at::Tensor width = fixed.select(0, 1).expand(shape).clone();
  const at::Tensor flat = voxels_bcdhw.flatten(2);
  for (std::int64_t w = 0; w < count; ++w) {
    if (windows[w].kind != WindowKind::minmax) continue;
    const at::Tensor smallest = flat.amin({2}).to(at::kDouble), largest = flat.amax({2}).to(at::kDouble);
    low.select(2, w).copy_(smallest);
    width.select(2, w).copy_(largest - smallest + kRangeFloor);
  }
  return maps_of(low, width);
}

}  // namespace pillar::windows
