#include "pillar/data/volume_rotation.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/grid_sampler_3d.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

using Matrix3 = std::array<std::array<double, 3>, 3>;  // rows and columns along W, H, D

constexpr std::int64_t kTrilinear = 0, kZeroOutside = 0;  // of grid_sampler_3d
constexpr std::int64_t kSlabSlices = 16;                  // whose grid is made at a time
constexpr double kKorniaEpsilon = 1e-6;                   // added to the angle that the axis is divided by

// Rodrigues' formula; for angles of nearly 0, kornia's first-order one.
Matrix3 rotation_of(const YawPitchRoll& degrees, RotationGrid grid) {
  std::array<double, 3> axis = {};
  double square = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    axis[i] = degrees[i] * std::numbers::pi / 180;
    square += axis[i] * axis[i];
  }
  const double angle = std::sqrt(square);
  const bool kornia = grid == RotationGrid::kornia;
  const bool tiny = kornia ? square <= kKorniaEpsilon : angle == 0;
  const double length = tiny ? 1 : angle + (kornia ? kKorniaEpsilon : 0);
  for (double& component : axis) component /= length;
  const double c = tiny ? 1 : std::cos(angle), s = tiny ? 1 : std::sin(angle), rest = 1 - c;
  const auto& [x, y, z] = axis;
  return {{{c + x * x * rest, x * y * rest - z * s, y * s + x * z * rest},
           {z * s + x * y * rest, c + y * y * rest, y * z * rest - x * s},
           {x * z * rest - y * s, x * s + y * z * rest, c + z * z * rest}}};
}

// A matrix that is no rotation by 1e-6 is not inverted by its transpose.
Matrix3 inverse_of(const Matrix3& m) {
  const auto cofactor = [&](std::size_t i, std::size_t j) {
    const std::size_t a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
    return m[a][c] * m[b][d] - m[a][d] * m[b][c];
  };
  const double determinant = m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  Matrix3 inverse;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) inverse[i][j] = cofactor(j, i) / determinant;
  }
  return inverse;
}

// From an offset from the centre, in voxels of the result, to one in voxels of the source.
Matrix3 source_of_offset(const YawPitchRoll& degrees, const std::array<std::int64_t, 3>& size_whd,
                         RotationGrid grid) {
  Matrix3 map = inverse_of(rotation_of(degrees, grid));
  if (grid == RotationGrid::voxels) return map;
  std::array<double, 3> stretch = {};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto n = static_cast<double>(size_whd[i]);
    stretch[i] = n > 1 ? n / (n - 1) : 1;  // an axis of one voxel has no inside to be stretched
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) map[i][j] *= stretch[i] / stretch[j];
  }
  return map;
}

// (1,slices,H,W,3): where voxels of the result come from, in the sampler's coordinates, which run from -1 to
// 1 between an axis' outer edges.
at::Tensor slab_grid(const Matrix3& map, const std::array<std::int64_t, 3>& size_whd, std::int64_t first,
                     std::int64_t slices, const at::Device& device) {
  const auto options = at::TensorOptions(at::kDouble).device(device);
  const auto offsets = [&](std::size_t axis, std::int64_t begin, std::int64_t count) {
    return at::arange(begin, begin + count, options).sub_(static_cast<double>(size_whd[axis] - 1) / 2);
  };
  const at::Tensor x = offsets(0, 0, size_whd[0]).view({1, 1, -1});
  const at::Tensor y = offsets(1, 0, size_whd[1]).view({1, -1, 1});
  const at::Tensor z = offsets(2, first, slices).view({-1, 1, 1});
  std::vector<at::Tensor> coordinates;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const at::Tensor source = x * map[axis][0] + y * map[axis][1] + z * map[axis][2];
    coordinates.push_back((source * (2.0 / static_cast<double>(size_whd[axis]))).to(at::kFloat));
  }
  return at::stack(coordinates, -1).unsqueeze(0);
}

void check_rotation(const YawPitchRoll& degrees) {
  for (const double angle : degrees) {
    if (!std::isfinite(angle)) fail(ErrorCategory::usage, "an angle of {} degrees", angle);
  }
}

}  // namespace

at::Tensor volume_rotation_matrix(const std::vector<YawPitchRoll>& degrees, std::int64_t depth,
                                  std::int64_t height, std::int64_t width, RotationGrid grid) {
  const std::array<double, 3> centre = {static_cast<double>(width - 1) / 2,
                                        static_cast<double>(height - 1) / 2,
                                        static_cast<double>(depth - 1) / 2};
  const at::Tensor matrices =
      at::eye(4, at::kDouble).repeat({static_cast<std::int64_t>(degrees.size()), 1, 1});
  auto* out = matrices.mutable_data_ptr<double>();
  for (const YawPitchRoll& angles : degrees) {
    check_rotation(angles);
    const Matrix3 rotation = rotation_of(angles, grid);
    for (std::size_t i = 0; i < 3; ++i) {
      double moved = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        out[i * 4 + j] = rotation[i][j];
        moved += rotation[i][j] * centre[j];
      }
      out[i * 4 + 3] = centre[i] - moved;
    }
    out += 16;
  }
  return matrices;
}

at::Tensor rotate_volume(const at::Tensor& voxels_bcdhw, const std::vector<YawPitchRoll>& degrees,
                         double fill, RotationGrid grid) {
  if (voxels_bcdhw.dim() != 5)
    fail(ErrorCategory::usage, "cannot rotate {} axes: voxels are (B,C,D,H,W)", voxels_bcdhw.dim());
  const at::IntArrayRef size = voxels_bcdhw.sizes();
  if (size[0] != static_cast<std::int64_t>(degrees.size()))
    fail(ErrorCategory::usage, "{} rotations for {} studies", degrees.size(), size[0]);
  if (!std::isfinite(fill)) fail(ErrorCategory::usage, "a fill of {}", fill);
  at::Tensor out = at::empty(size, voxels_bcdhw.options().dtype(at::kFloat));
  const std::array<std::int64_t, 3> size_whd = {size[4], size[3], size[2]};
  for (std::int64_t study = 0; study < size[0] && out.numel() > 0; ++study) {
    const YawPitchRoll& angles = degrees[static_cast<std::size_t>(study)];
    check_rotation(angles);
    const Matrix3 map = source_of_offset(angles, size_whd, grid);
    // The sampler knows only zeros outside: `fill` is taken off before and put back after.
    const at::Tensor from = voxels_bcdhw.narrow(0, study, 1).to(at::kFloat).sub(fill);
    for (std::int64_t first = 0; first < size[2]; first += kSlabSlices) {
      const std::int64_t slices = std::min(kSlabSlices, size[2] - first);
      const at::Tensor slab = slab_grid(map, size_whd, first, slices, voxels_bcdhw.device());
      out.narrow(0, study, 1)
          .narrow(2, first, slices)
          .copy_(at::grid_sampler_3d(from, slab, kTrilinear, kZeroOutside, false).add_(fill));
    }
  }
  return out;
}

}  // namespace pillar
