// The nearest voxel: for masks, whose values must not mix.
#include "pillar/core/thread_pool.h"

#include "image/resample/resample_kernels.h"
#include "image/voxel_types.h"

#include <algorithm>

namespace pillar {
namespace {

// The nearest input voxel of every output position along an axis; -1 outside the input.
std::vector<std::int64_t> nearest_along(const ResampleGrid& grid, int axis,
                                        const std::vector<double>& positions) {
  std::vector<std::int64_t> indices;
  for (double index : positions) {
    indices.push_back(grid.inside(axis, index) ? nearest_index(index, grid.input_size()[axis]) : -1);
  }
  return indices;
}

// A voxel copied as ITK copies it, by way of a double.
template <typename T>
T copy_voxel(T voxel) noexcept {
  if constexpr (std::is_integral_v<T>) return voxel;
  return cast_voxel<T>(static_cast<double>(voxel));
}

template <typename T>
void nearest_separable(const T* input, const ResampleGrid& grid, const AxisPositions& positions, int threads,
                       T* output) {
  const SizeXyz size = grid.input_size();
  const auto x = nearest_along(grid, 0, positions[0]);
  const auto y = nearest_along(grid, 1, positions[1]);
  const auto z = nearest_along(grid, 2, positions[2]);
  const auto width = static_cast<std::int64_t>(x.size());
  const auto height = static_cast<std::int64_t>(y.size());
  parallel_for(static_cast<std::int64_t>(z.size()), threads, [&](std::int64_t k) {
    for (std::int64_t j = 0; j < height; ++j) {
      T* out = output + (k * height + j) * width;
      if (y[j] < 0 || z[k] < 0) {
        std::fill(out, out + width, T(0));
        continue;
      }
      const T* row = input + (z[k] * size[1] + y[j]) * size[0];
      for (std::int64_t i = 0; i < width; ++i) out[i] = x[i] < 0 ? T(0) : copy_voxel(row[x[i]]);
    }
  });
}

}  // namespace

template <typename T>
void resample_nearest(const T* input, const ResampleGrid& grid, int threads, T* output) {
  if (const auto positions = grid.separate_axes(threads)) {
    nearest_separable(input, grid, *positions, threads, output);
    return;
  }
  const SizeXyz size = grid.input_size();
  for_each_voxel(grid, threads, output, [&](const ContinuousIndex& index) {
    const std::int64_t x = nearest_index(index[0], size[0]);
    const std::int64_t y = nearest_index(index[1], size[1]);
    const std::int64_t z = nearest_index(index[2], size[2]);
    return copy_voxel(input[(z * size[1] + y) * size[0] + x]);
  });
}

#define PILLAR_INSTANTIATE(T) template void resample_nearest<T>(const T*, const ResampleGrid&, int, T*);
PILLAR_FOR_VOXEL_TYPES(PILLAR_INSTANTIATE)
#undef PILLAR_INSTANTIATE

}  // namespace pillar
