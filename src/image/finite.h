// Voxels that are no numbers: where, how many, and air in their place.
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

struct NonFiniteCounts {
  std::int64_t nan = 0;
  std::int64_t infinite = 0;
};
NonFiniteCounts count_non_finite(const at::Tensor& voxels);

// In place: `air` for every NaN, or the least finite value where unset. Returns what it put there.
double replace_nan(const at::Tensor& voxels, std::optional<double> air);

}  // namespace pillar
