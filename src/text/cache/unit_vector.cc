#include "text/cache/unit_vector.h"

#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar {

std::optional<at::Tensor> unit_vector(const at::Tensor& row) {
  const at::Tensor from = row.contiguous();
  const float* values = from.const_data_ptr<float>();
  double sum = 0;
  for (std::int64_t i = 0; i < from.numel(); ++i) sum += static_cast<double>(values[i]) * values[i];
  if (!std::isfinite(sum) || sum == 0) return std::nullopt;
  at::Tensor unit = at::empty({from.numel()}, at::kFloat);
  for (std::int64_t i = 0; i < from.numel(); ++i)
    unit.mutable_data_ptr<float>()[i] = static_cast<float>(values[i] / std::sqrt(sum));
  return unit;
}

}  // namespace pillar
