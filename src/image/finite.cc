#include "image/finite.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

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

template <typename Call>
void with_real_type(const at::Tensor& voxels, const Call& call) {
  if (voxels.scalar_type() == at::kFloat) call(std::type_identity<float>());
  if (voxels.scalar_type() == at::kDouble) call(std::type_identity<double>());
}

}  // namespace

std::optional<NonFinite> first_non_finite(const at::Tensor& voxels) {
  if (voxels.scalar_type() == at::kFloat) return first_in(voxels.const_data_ptr<float>(), voxels.numel());
  if (voxels.scalar_type() == at::kDouble) return first_in(voxels.const_data_ptr<double>(), voxels.numel());
  return std::nullopt;
}

NonFiniteCounts count_non_finite(const at::Tensor& voxels) {
  NonFiniteCounts counts;
  with_real_type(voxels, [&]<typename T>(std::type_identity<T>) {
    const T* data = voxels.const_data_ptr<T>();
    for (std::int64_t i = 0; i < voxels.numel(); ++i) {
      counts.nan += std::isnan(data[i]) ? 1 : 0;
      counts.infinite += std::isinf(data[i]) ? 1 : 0;
    }
  });
  return counts;
}

double replace_nan(const at::Tensor& voxels, std::optional<double> air) {
  double value = air.value_or(0);
  with_real_type(voxels, [&]<typename T>(std::type_identity<T>) {
    T* data = voxels.mutable_data_ptr<T>();
    const std::int64_t count = voxels.numel();
    if (!air) {
      T least = std::numeric_limits<T>::max();
      for (std::int64_t i = 0; i < count; ++i) least = data[i] < least ? data[i] : least;  // NaN is not less
      if (least < std::numeric_limits<T>::max()) value = static_cast<double>(least);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::isnan(data[i])) data[i] = static_cast<T>(value);
    }
  });
  return value;
}

}  // namespace pillar
