// The first voxel that is no number.
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

struct NonFinite {
  std::int64_t index;  // in memory order of the contiguous tensor
  double value;
};

// Of a contiguous float32 or float64 tensor; integers have none.
std::optional<NonFinite> first_non_finite(const at::Tensor& voxels);

}  // namespace pillar
