#include "image/finite.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

// Blocks keep the loop free of branches.
template <typename T>
std::optional<NonFinite> first_in(const T* data, std::int64_t count) {
  constexpr std::int64_t block = 4096;
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t end = std::min(count, begin + block);
    bool finite = true;
    for (std::int64_t i = begin; i < end; ++i) finite &= std::abs(data[i]) <= std::numeric_limits<T>::max();
    if (finite) continue;
    for (std::int64_t i = begin; i < end; ++i) {
      if (!std::isfinite(data[i])) return NonFinite{i, static_cast<double>(data[i])};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<NonFinite> first_non_finite(const at::Tensor& voxels) {
  if (voxels.scalar_type() == at::kFloat) return first_in(voxels.const_data_ptr<float>(), voxels.numel());
  if (voxels.scalar_type() == at::kDouble) return first_in(voxels.const_data_ptr<double>(), voxels.numel());
  return std::nullopt;
}

}  // namespace pillar
