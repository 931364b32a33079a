#include "pillar/image/resample.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "image/resample/resample_grid.h"
#include "image/resample/resample_kernels.h"
#include "image/voxel_types.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

// No scanner comes near: a grid beyond this is a wrong spacing, and would only exhaust the memory.
constexpr double kMaxVoxels = 4294967296.0;
constexpr double kMaxAxis = 1 << 20;

SizeXyz output_size(const Volume& input, const SizeXyz& size,
                    const std::array<double, 3>& target_spacing_xyz_mm) {
  SizeXyz result;
  double voxels = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const double wanted =
        static_cast<double>(size[axis]) * input.geometry.spacing_xyz_mm[axis] / target_spacing_xyz_mm[axis];
    if (!(wanted < kMaxAxis))
      fail(ErrorCategory::input, "resampling axis {} from {} mm to {} mm would make {:g} voxels", "xyz"[axis],
           input.geometry.spacing_xyz_mm[axis], target_spacing_xyz_mm[axis], wanted);
    result[axis] = std::max<std::int64_t>(1, std::llrint(wanted));  // halves to even, as Python's round
    voxels *= static_cast<double>(result[axis]);
  }
  if (voxels > kMaxVoxels) {
    fail(ErrorCategory::input, "resampling would make {}x{}x{} voxels", result[0], result[1], result[2]);
  }
  return result;
}

void check_input(const Volume& input, const std::array<double, 3>& target_spacing_xyz_mm) {
  for (double spacing : target_spacing_xyz_mm) {
    if (!std::isfinite(spacing) || spacing <= 0)
      fail(ErrorCategory::usage, "a target spacing of {} mm", spacing);
  }
  for (double spacing : input.geometry.spacing_xyz_mm) {
    if (!std::isfinite(spacing) || spacing <= 0)
      fail(ErrorCategory::input, "a voxel spacing of {} mm", spacing);
  }
  for (double origin : input.geometry.origin_xyz_mm) {
    if (!std::isfinite(origin)) fail(ErrorCategory::input, "an origin of {} mm", origin);
  }
  const auto& d = input.geometry.direction;
  const double determinant = d[0] * (d[4] * d[8] - d[5] * d[7]) - d[1] * (d[3] * d[8] - d[5] * d[6]) +
                             d[2] * (d[3] * d[7] - d[4] * d[6]);
  if (!(std::abs(determinant) > 1e-6))
    fail(ErrorCategory::input, "a direction matrix with determinant {}", determinant);
}

}  // namespace

Volume resample(const Volume& input, const std::array<double, 3>& target_spacing_xyz_mm,
                Interpolation interpolation, int threads) {
  check_input(input, target_spacing_xyz_mm);
  const SizeDhw in_dhw = size_dhw(input.voxels_dhw);
  const SizeXyz in_size = {in_dhw[2], in_dhw[1], in_dhw[0]};
  for (std::int64_t length : in_size) {
    if (length < 1)
      fail(ErrorCategory::input, "a volume of {}x{}x{} voxels", in_size[0], in_size[1], in_size[2]);
  }
  const SizeXyz out_size = output_size(input, in_size, target_spacing_xyz_mm);
  const ResampleGrid grid(input.geometry, in_size, target_spacing_xyz_mm, out_size);
  if (threads <= 0) threads = usable_processors();

  Volume result = input;
  result.geometry.spacing_xyz_mm = target_spacing_xyz_mm;
  const at::Tensor source = input.voxels_dhw.contiguous();
  result.voxels_dhw = at::empty({out_size[2], out_size[1], out_size[0]}, source.options());
  with_voxel_type(source.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* from = source.const_data_ptr<T>();
    T* to = result.voxels_dhw.mutable_data_ptr<T>();
    if (interpolation == Interpolation::linear) {
      resample_linear(from, grid, threads, to);
    } else {
      resample_nearest(from, grid, threads, to);
    }
  });
  return result;
}

}  // namespace pillar
