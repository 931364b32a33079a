// Internal: vectors of length 1, as caches have them.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

// A copy of length 1; none where there is no such thing.
std::optional<at::Tensor> unit_vector(const at::Tensor& row);  // float32 (N)

inline constexpr const char* kNoUnitVector = "its vector is zero, or has NaN or infinite numbers";

}  // namespace pillar
