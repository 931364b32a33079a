// Voxel by voxel: grids whose axes depend on each other, if only in the last bit.
#include "image/resample/resample_kernels.h"
#include "image/voxel_types.h"

namespace pillar {
namespace {

template <typename T>
double interpolate(const T* input, const SizeXyz& size, const ContinuousIndex& index) noexcept {
  const AxisSample x = linear_sample(index[0], size[0]);
  const AxisSample y = linear_sample(index[1], size[1]);
  const AxisSample z = linear_sample(index[2], size[2]);
  const std::int64_t to_y = y.step * size[0];
  const std::int64_t to_z = z.step * size[0] * size[1];
  const T* corner = input + (z.base * size[1] + y.base) * size[0] + x.base;

  auto along_x = [&](const T* at) {
    return x.step != 0 ? lerp(at[0], at[1], x.fraction) : static_cast<double>(at[0]);
  };
  auto along_y = [&](const T* at) {
    return y.step != 0 ? lerp(along_x(at), along_x(at + to_y), y.fraction) : along_x(at);
  };
  return z.step != 0 ? lerp(along_y(corner), along_y(corner + to_z), z.fraction) : along_y(corner);
}

}  // namespace

template <typename T>
void resample_linear_oblique(const T* input, const ResampleGrid& grid, int threads, T* output) {
  const SizeXyz size = grid.input_size();
  for_each_voxel(grid, threads, output, [&](const ContinuousIndex& index) {
    return cast_voxel<T>(interpolate(input, size, index));
  });
}

#define PILLAR_INSTANTIATE(T) \
  template void resample_linear_oblique<T>(const T*, const ResampleGrid&, int, T*);
PILLAR_FOR_VOXEL_TYPES(PILLAR_INSTANTIATE)
#undef PILLAR_INSTANTIATE

}  // namespace pillar
