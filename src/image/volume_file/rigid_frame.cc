#include "image/volume_file/rigid_frame.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

using Matrix3 = std::array<double, 9>;  // row-major

constexpr double kRounding = 1e-3;  // inner products that decimals and float32 explain

double column_product(const Matrix3& m, std::size_t a, std::size_t b) {
  return m[a] * m[b] + m[3 + a] * m[3 + b] + m[6 + a] * m[6 + b];
}

// The largest difference of an axis' squared length from 1; a NaN stays.
double unit_error(const Matrix3& m) {
  double error = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double wrong = std::abs(column_product(m, axis, axis) - 1);
    if (!(wrong <= error)) error = wrong;
  }
  return error;
}

double shear_of(const Matrix3& m) {
  double shear = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double product = std::abs(column_product(m, axis, (axis + 1) % 3));
    if (!(product <= shear)) shear = product;
  }
  return shear;
}

Matrix3 inverse_transposed(const Matrix3& m) {
  const Matrix3 cofactors = {m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6],
                             m[2] * m[7] - m[1] * m[8], m[0] * m[8] - m[2] * m[6], m[1] * m[6] - m[0] * m[7],
                             m[1] * m[5] - m[2] * m[4], m[2] * m[3] - m[0] * m[5], m[0] * m[4] - m[1] * m[3]};
  const double determinant = m[0] * cofactors[0] + m[1] * cofactors[1] + m[2] * cofactors[2];
  Matrix3 result;
  for (std::size_t i = 0; i < 9; ++i) result[i] = cofactors[i] / determinant;
  return result;
}

// The rotation (or mirrored rotation) of the polar decomposition, by Newton's iteration (Higham, 1986): it
// doubles the right digits a step, and columns that are nearly perpendicular start close.
Matrix3 nearest_rotation(Matrix3 m) {
  for (int step = 0; step < 20; ++step) {
    const Matrix3 other = inverse_transposed(m);
    double moved = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      const double next = (m[i] + other[i]) / 2;
      moved = std::max(moved, std::abs(next - m[i]));
      m[i] = next;
    }
    if (moved < 1e-15) break;
  }
  return m;
}

// The farthest that two frames place a corner of the volume apart.
double corners_apart_mm(const Geometry& a, const Geometry& b, const SizeDhw& size_dhw) {
  double result = 0;
  for (int corner = 0; corner < 8; ++corner) {
    std::array<double, 3> index;
    for (std::size_t axis = 0; axis < 3; ++axis)
      index[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(size_dhw[2 - axis] - 1) : 0;
    const auto p = a.point(index), q = b.point(index);
    result = std::max(result, std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  return result;
}

void check_numbers(const Geometry& claimed, const std::filesystem::path& path) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double spacing = claimed.spacing_xyz_mm[axis], origin = claimed.origin_xyz_mm[axis];
    if (!std::isfinite(spacing) || spacing <= 0)
      fail(ErrorCategory::input, "{}: a voxel spacing of {} along axis {}", path, spacing, axis + 1);
    if (!std::isfinite(origin))
      fail(ErrorCategory::input, "{}: an origin of {} along axis {}", path, origin, axis + 1);
  }
}

}  // namespace

Geometry frame_of_steps(const std::array<double, 9>& matrix, const std::array<double, 3>& origin_xyz_mm) {
  Geometry frame;
  frame.origin_xyz_mm = origin_xyz_mm;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double spacing = std::sqrt(column_product(matrix, axis, axis));
    frame.spacing_xyz_mm[axis] = spacing;
    for (std::size_t row = 0; row < 3; ++row)
      frame.direction[3 * row + axis] = matrix[3 * row + axis] / spacing;
  }
  return frame;
}

Geometry nearest_rigid_frame(const Geometry& claimed, const SizeDhw& size_dhw,
                             const std::filesystem::path& path, Notes& notes) {
  check_numbers(claimed, path);
  const double wrong = unit_error(claimed.direction), shear = shear_of(claimed.direction);
  if (!(wrong < kRounding) || !(shear <= kSlightShear)) {
    fail(ErrorCategory::input,
         "{}: the axes are not perpendicular unit vectors (off by {:.3g}): a singular or sheared direction",
         path, wrong > shear ? wrong : shear);
  }
  Geometry geometry = claimed;
  if (shear >= kRounding) {
    geometry.direction = nearest_rotation(claimed.direction);
    notes.add(
        fmt::format("{}: its axes are off the perpendicular by {:.3g}; the nearest rigid frame is taken, "
                    "which moves voxels "
                    "by up to {:.3g} mm",
                    path, shear, corners_apart_mm(claimed, geometry, size_dhw)));
  }
  for (double& value : geometry.direction) value += 0.0;  // no negative zeros
  return geometry;
}

}  // namespace pillar
