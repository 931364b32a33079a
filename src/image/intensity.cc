#include "image/intensity.h"

#include "pillar/core/fail.h"

#include "image/voxel_types.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// to[i] = truncated from[i]; false in `fits` where some value is beyond To's range. No branch: the loop stays
// vectorised.
template <typename To, typename From>
bool cast_all(const From* from, To* to, std::int64_t count) {
  // Truncation forgives less than 1: everything strictly between these two fits.
  constexpr double low = static_cast<double>(std::numeric_limits<To>::lowest()) - 1;
  constexpr double high = static_cast<double>(std::numeric_limits<To>::max()) + 1;
  bool fits = true;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(from[i]);
    const bool in_range = value > low && value < high;
    fits &= in_range;
    to[i] = in_range ? static_cast<To>(from[i]) : To(0);
  }
  return fits;
}

template <typename From, typename Wrong>
double first_wrong(const From* from, std::int64_t count, const Wrong& wrong) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (wrong(static_cast<double>(from[i]))) return static_cast<double>(from[i]);
  }
  return 0;
}

bool is_whole(double value) {
  return std::isfinite(value) && value == std::trunc(value);
}

}  // namespace

at::Tensor rescale_voxels(const at::Tensor& voxels, double slope, double offset) {
  const at::Tensor values = voxels.contiguous();
  return with_voxel_type(values.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* from = values.const_data_ptr<T>();
    const auto fill = [&]<typename To>(at::ScalarType type, double low, double high, To) {
      at::Tensor result = at::empty(values.sizes(), values.options().dtype(type));
      To* to = result.mutable_data_ptr<To>();
      for (std::int64_t i = 0; i < values.numel(); ++i)
        to[i] = static_cast<To>(std::clamp(slope * static_cast<double>(from[i]) + offset, low, high));
      return result;
    };
    const bool whole = std::is_integral_v<T> && is_whole(slope) && is_whole(offset);
    using Whole = std::numeric_limits<std::int32_t>;
    if (whole) return fill(at::kInt, Whole::min(), Whole::max(), std::int32_t{});
    constexpr double kHighest = std::numeric_limits<float>::max();
    return fill(at::kFloat, -kHighest, kHighest, float{});
  });
}

at::Tensor ct_to_int16(const at::Tensor& voxels, std::string_view source_name) {
  if (voxels.scalar_type() == at::kShort) return voxels;
  at::Tensor result = at::empty(voxels.sizes(), voxels.options().dtype(at::kShort));
  with_voxel_type(voxels.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* from = voxels.const_data_ptr<T>();
    if (cast_all(from, result.mutable_data_ptr<std::int16_t>(), voxels.numel())) return;
    const double value =
        first_wrong(from, voxels.numel(), [](double v) { return !(v > -32769 && v < 32768); });
    fail(ErrorCategory::input, "{}: the CT value {} does not fit 16 bits", source_name, value);
  });
  return result;
}

at::Tensor min_max_to_uint16(const at::Tensor& voxels) {
  const auto options = voxels.options().dtype(at::kUInt16);
  at::Tensor result = at::zeros(voxels.sizes(), options);
  if (voxels.numel() == 0) return result;
  with_voxel_type(voxels.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* from = voxels.const_data_ptr<T>();
    const std::int64_t count = voxels.numel();
    const auto [low, high] = std::minmax_element(from, from + count);
    const auto minimum = static_cast<float>(*low);
    const float range = static_cast<float>(*high) - minimum;
    if (!(range > 0)) return;
    std::uint16_t* to = result.mutable_data_ptr<std::uint16_t>();
    for (std::int64_t i = 0; i < count; ++i) {
      const float scaled = (static_cast<float>(from[i]) - minimum) / range * 65535.0F;
      to[i] = static_cast<std::uint16_t>(static_cast<std::int32_t>(scaled));
    }
  });
  return result;
}

at::Tensor whole_to_16_bits(const at::Tensor& voxels, bool prefer_signed, std::string_view source_name,
                            std::string_view advice) {
  if (voxels.scalar_type() == at::kShort && prefer_signed) return voxels;
  if (voxels.scalar_type() == at::kUInt16) return voxels;
  return with_voxel_type(voxels.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* from = voxels.const_data_ptr<T>();
    const std::int64_t count = voxels.numel();
    double low = 0, high = 0;
    bool whole = true;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<double>(from[i]);
      low = std::min(low, value);
      high = std::max(high, value);
      if constexpr (std::is_floating_point_v<T>) whole &= is_whole(value);
    }
    if (!whole) {
      const double value = first_wrong(from, count, [](double v) { return !is_whole(v); });
      fail(ErrorCategory::input, "{}: the value {} is not whole; {}", source_name, value, advice);
    }
    const bool is_signed = low < 0 || (prefer_signed && high <= 32767);
    if (is_signed ? (low < -32768 || high > 32767) : high > 65535) {
      fail(ErrorCategory::input, "{}: values from {} to {} do not fit 16 bits; {}", source_name, low, high,
           advice);
    }
    at::Tensor result =
        at::empty(voxels.sizes(), voxels.options().dtype(is_signed ? at::kShort : at::kUInt16));
    if (is_signed)
      cast_all(from, result.mutable_data_ptr<std::int16_t>(), count);
    else
      cast_all(from, result.mutable_data_ptr<std::uint16_t>(), count);
    return result;
  });
}

}  // namespace pillar
