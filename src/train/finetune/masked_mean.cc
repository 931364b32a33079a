#include "train/finetune/masked_mean.h"

#include "pillar/core/fail.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <fmt/ranges.h>

namespace pillar {

at::Tensor weighted_mean(const at::Tensor& values, const at::Tensor& weights) {
  const at::Tensor total = weights.sum();
  return (values * weights).sum() / at::where(total > 0, total, at::ones_like(total));
}

void check_shape(const at::Tensor& tensor, at::IntArrayRef shape, std::string_view what) {
  if (!tensor.defined()) fail(ErrorCategory::input, "{}: there is no tensor", what);
  if (tensor.sizes() != shape) {
    fail(ErrorCategory::input, "{}: the shape is ({}), not ({})", what,
         fmt::format("{}", fmt::join(tensor.sizes(), ", ")), fmt::format("{}", fmt::join(shape, ", ")));
  }
}

}  // namespace pillar
