#include "pillar/core/fail.h"
#include "pillar/image/axis_fit.h"
#include "pillar/image/preprocess.h"

#include "image/voxel_types.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

template <typename T>
T minimum(const at::Tensor& voxels) {
  const T* data = voxels.const_data_ptr<T>();
  return *std::min_element(data, data + voxels.numel());
}

template <typename T>
T to_voxel(double pad_value) {
  if constexpr (std::is_integral_v<T>) {
    const bool fits = pad_value >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                      pad_value <= static_cast<double>(std::numeric_limits<T>::max());
    if (!fits || pad_value != std::trunc(pad_value)) {
      fail(ErrorCategory::usage, "a pad value of {} does not fit the voxels' type", pad_value);
    }
  }
  return static_cast<T>(pad_value);
}

template <typename T>
void copy_fitted(const T* from, const SizeDhw& size, T* to, const std::array<std::int64_t, 2>& target,
                 const AxisFit& rows, const AxisFit& columns, T pad) {
  const auto [depth, height, width] = size;
  for (std::int64_t k = 0; k < depth; ++k) {
    T* slice = to + k * target[0] * target[1];
    if (rows.kept < target[0] || columns.kept < target[1])
      std::fill(slice, slice + target[0] * target[1], pad);
    for (std::int64_t j = 0; j < rows.kept; ++j) {
      const T* row = from + (k * height + rows.skip + j) * width + columns.skip;
      std::copy(row, row + columns.kept, slice + (rows.before + j) * target[1] + columns.before);
    }
  }
}

}  // namespace

Volume select_slices(const Volume& input, std::int64_t slices) {
  if (slices < 1) fail(ErrorCategory::usage, "{} slices to keep", slices);
  const std::int64_t depth = size_dhw(input.voxels_dhw)[0];
  Volume result = input;
  if (depth <= slices) return result;
  const std::int64_t first = fit_axis(depth, slices).skip;
  result.voxels_dhw = input.voxels_dhw.narrow(0, first, slices);
  result.geometry.origin_xyz_mm = input.geometry.point({0, 0, static_cast<double>(first)});
  return result;
}

Volume crop_pad_hw(const Volume& input, const std::array<std::int64_t, 2>& size_hw,
                   std::optional<double> pad_value) {
  if (size_hw[0] < 1 || size_hw[1] < 1 || size_hw[0] > 65535 || size_hw[1] > 65535) {
    fail(ErrorCategory::usage, "rows and columns to crop or pad to: {}x{}", size_hw[0], size_hw[1]);
  }
  const SizeDhw size = size_dhw(input.voxels_dhw);
  Volume result = input;
  if (size[1] == size_hw[0] && size[2] == size_hw[1]) return result;
  const AxisFit rows = fit_axis(size[1], size_hw[0]);
  const AxisFit columns = fit_axis(size[2], size_hw[1]);
  const at::Tensor source = input.voxels_dhw.contiguous();
  result.voxels_dhw = at::empty({size[0], size_hw[0], size_hw[1]}, source.options());
  with_voxel_type(source.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T pad = pad_value ? to_voxel<T>(*pad_value) : minimum<T>(source);
    copy_fitted(source.const_data_ptr<T>(), size, result.voxels_dhw.mutable_data_ptr<T>(), size_hw, rows,
                columns, pad);
  });
  const auto x = static_cast<double>(columns.first());
  const auto y = static_cast<double>(rows.first());
  result.geometry.origin_xyz_mm = input.geometry.point({x, y, 0});
  return result;
}

}  // namespace pillar
