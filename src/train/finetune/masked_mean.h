// Means over what is known, and the checks of losses' arguments.
#pragma once

#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

// Sum of values * weights by the sum of weights, over everything; 0 with a gradient of zeros where all
// weights are 0. Both float32 and of one shape.
at::Tensor weighted_mean(const at::Tensor& values, const at::Tensor& weights);

// Throws Error(input) where `tensor` is not of `shape`; `what` names it.
void check_shape(const at::Tensor& tensor, at::IntArrayRef shape, std::string_view what);

}  // namespace pillar
