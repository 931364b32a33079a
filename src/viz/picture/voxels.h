// Internal: checked, typed access to the voxels of a volume that may be hostile.
#pragma once

#include "pillar/core/fail.h"

#include <array>
#include <cstdint>
#include <utility>

#include <ATen/core/Tensor.h>

namespace pillar::viz {

// The same voxels, contiguous. Throws Error(input | unsupported) unless they are a non-empty (D,H,W) volume
// on the CPU of a type that visit_voxels knows.
at::Tensor checked_volume(const at::Tensor& voxels_dhw);

// Throws Error(input) unless all three are finite and above 0.
void check_spacing(const std::array<double, 3>& spacing_xyz_mm);

// Calls visit(const T* voxels) with the element type of a volume from checked_volume.
template <typename Visit>
auto visit_voxels(const at::Tensor& volume, Visit&& visit) {
  const void* data = volume.const_data_ptr();
  switch (volume.scalar_type()) {
    case at::kByte:
      return visit(static_cast<const std::uint8_t*>(data));
    case at::kChar:
      return visit(static_cast<const std::int8_t*>(data));
    case at::kShort:
      return visit(static_cast<const std::int16_t*>(data));
    case at::kUInt16:
      return visit(static_cast<const std::uint16_t*>(data));
    case at::kInt:
      return visit(static_cast<const std::int32_t*>(data));
    case at::kLong:
      return visit(static_cast<const std::int64_t*>(data));
    case at::kFloat:
      return visit(static_cast<const float*>(data));
    case at::kDouble:
      return visit(static_cast<const double*>(data));
    default:
      fail(ErrorCategory::unsupported, "cannot show voxels of type {}", c10::toString(volume.scalar_type()));
  }
}

}  // namespace pillar::viz
