// The arithmetic of crop and pad on one axis, which every step that fits a volume to a size has in common.
#pragma once

#include <cstdint>

namespace pillar {

struct AxisFit {
  std::int64_t skip = 0;    // voxels of the volume that are left out in front
  std::int64_t before = 0;  // voxels of padding in front; this or `skip` is 0
  std::int64_t kept = 0;    // voxels of the volume that stay

  // The volume's index of the voxel that comes first after the fit; negative where that is padding.
  constexpr std::int64_t first() const noexcept { return skip - before; }
  bool operator==(const AxisFit&) const = default;
};

// Crops an axis of `size` voxels to the `target` in its middle, or pads it with half of what is missing in
// front and the rest behind: where a number is odd, the front gets less.
constexpr AxisFit fit_axis(std::int64_t size, std::int64_t target) noexcept {
  if (size > target) return {(size - target) / 2, 0, target};
  return {0, (target - size) / 2, size};
}

}  // namespace pillar
