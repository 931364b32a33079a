// NIfTI keeps orientation twice and the voxel size up to three times: what to say where they differ.
#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "image/volume_file/nifti_header.h"
#include "image/volume_file/rigid_frame.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

constexpr double kSlightScale = 0.1;
constexpr double kSteepestTilt = 0.71;  // the sine of 45 degrees: no gantry tilts so far
constexpr double kSameAngle = 1e-3;     // inner products that float32 explains

using Point = std::array<double, 3>;

// LPS, in mm.
Point place(const std::array<double, 16>& matrix, double unit_mm, const Point& index) {
  Point point;
  for (std::size_t row = 0; row < 3; ++row) {
    point[row] = matrix[4 * row + 3];
    for (std::size_t column = 0; column < 3; ++column) point[row] += matrix[4 * row + column] * index[column];
  }
  return {-point[0] * unit_mm, -point[1] * unit_mm, point[2] * unit_mm};
}

double distance(const Point& a, const Point& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

// The largest distance between two placements of the same voxel; all maxima are at corners.
template <typename PlaceA, typename PlaceB>
double farthest(const NiftiHeader& header, const PlaceA& a, const PlaceB& b) {
  double result = 0;
  for (int corner = 0; corner < 8; ++corner) {
    Point index;
    for (int axis = 0; axis < 3; ++axis) {
      index[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(header.size_xyzt[axis] - 1) : 0;
    }
    const double apart = distance(a(index), b(index));
    result = std::isfinite(apart) ? std::max(result, apart) : HUGE_VAL;
  }
  return result;
}

// Steps of one column, row and slice, LPS, in the file's unit.
std::array<double, 9> lps_steps(const std::array<double, 16>& matrix) {
  std::array<double, 9> steps;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      steps[3 * row + column] = (row < 2 ? -1 : 1) * matrix[4 * row + column];
  }
  return steps;
}

double column_dot(const std::array<double, 9>& m, std::size_t a, std::size_t b) {
  return m[a] * m[b] + m[3 + a] * m[3 + b] + m[6 + a] * m[6 + b];
}

[[noreturn]] void fail_size(const std::filesystem::path& path, std::size_t axis, double by_pixdim,
                            double by_matrix) {
  fail(ErrorCategory::input,
       "{}: along axis {} voxels are {:.4g} apart by pixdim and {:.4g} by the orientation matrix: which one "
       "is "
       "right?",
       path, axis + 1, by_pixdim, by_matrix);
}

bool prefers_sform(const NiftiHeader& header) {
  if (header.sform_code <= 0) return false;
  if (header.qform_code <= 0 || header.sform_code == 1) return true;
  const auto in_mm = [&](const std::array<double, 16>& matrix) {
    return [&](const Point& index) { return place(matrix, header.unit_mm, index); };
  };
  const double smallest = *std::min_element(header.spacing_xyz.begin(), header.spacing_xyz.end());
  return farthest(header, in_mm(header.qform), in_mm(header.sform)) <= 0.05 * smallest * header.unit_mm;
}

}  // namespace

Geometry nifti_geometry(const NiftiHeader& header, const std::filesystem::path& path, Notes& notes) {
  const bool placed = header.qform_code > 0 || header.sform_code > 0;
  Geometry frame;
  if (placed) {
    const std::array<double, 16>& matrix = prefers_sform(header) ? header.sform : header.qform;
    frame = frame_of_steps(lps_steps(matrix), place(matrix, header.unit_mm, {0, 0, 0}));
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double ratio = placed ? frame.spacing_xyz_mm[axis] / header.spacing_xyz[axis] : 1;
    if (!(std::abs(ratio - 1) <= kSlightScale)) {
      fail_size(path, axis, header.spacing_xyz[axis], frame.spacing_xyz_mm[axis]);
    }
    frame.spacing_xyz_mm[axis] = header.spacing_xyz[axis] * header.unit_mm;
  }
  const auto [x, y, z, volumes] = header.size_xyzt;
  static_cast<void>(volumes);
  return nearest_rigid_frame(frame, {z, y, x}, path, notes);
}

std::vector<DicomPlane> tilted_slices(const NiftiHeader& header, const std::filesystem::path& path) {
  if (header.qform_code <= 0 && header.sform_code <= 0) return {};
  const std::array<double, 16>& matrix = prefers_sform(header) ? header.sform : header.qform;
  const Geometry frame = frame_of_steps(lps_steps(matrix), place(matrix, header.unit_mm, {0, 0, 0}));
  const std::array<double, 9>& axes = frame.direction;
  const double tilt = std::hypot(column_dot(axes, 0, 2), column_dot(axes, 1, 2));
  const bool is_tilted = tilt > kSlightShear && tilt < kSteepestTilt && header.size_xyzt[2] > 1;
  if (!is_tilted || std::abs(column_dot(axes, 0, 1)) > kSameAngle) return {};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    // The third size may be the distance of the slices or the length of the step from one to the next.
    const double step = frame.spacing_xyz_mm[axis], said = header.spacing_xyz[axis];
    const double along_normal = axis == 2 ? step * std::sqrt(1 - tilt * tilt) : step;
    if (std::min(std::abs(step / said - 1), std::abs(along_normal / said - 1)) > kSlightScale)
      fail_size(path, axis, said, step);
  }
  DicomPlane plane;
  plane.file = path;
  plane.rows = static_cast<int>(header.size_xyzt[1]);
  plane.columns = static_cast<int>(header.size_xyzt[0]);
  plane.has_orientation = true;
  plane.orientation = {axes[0], axes[3], axes[6], axes[1], axes[4], axes[7]};
  plane.pixel_spacing_rc_mm = {frame.spacing_xyz_mm[1] * header.unit_mm,
                               frame.spacing_xyz_mm[0] * header.unit_mm};
  std::vector<DicomPlane> slices;
  for (std::int64_t k = 0; k < header.size_xyzt[2]; ++k) {
    plane.position = place(matrix, header.unit_mm, {0, 0, static_cast<double>(k)});
    slices.push_back(plane);
  }
  return slices;
}

void warn_of_nifti_geometry(const NiftiHeader& header, const Geometry& used,
                            const std::filesystem::path& path, Notes& notes) {
  const auto q = [&](const Point& index) { return place(header.qform, header.unit_mm, index); };
  const auto s = [&](const Point& index) { return place(header.sform, header.unit_mm, index); };
  const auto taken = [&](const Point& index) { return used.point(index); };
  const double tolerance_mm =
      0.05 * *std::min_element(used.spacing_xyz_mm.begin(), used.spacing_xyz_mm.end());

  if (header.qform_code <= 0 && header.sform_code <= 0) {
    notes.add(
        fmt::format("{}: the header has no orientation; axes taken as left, posterior, superior", path));
    return;
  }
  const bool both = header.qform_code > 0 && header.sform_code > 0;
  const double from_q = header.qform_code > 0 ? farthest(header, q, taken) : HUGE_VAL;
  const double from_s = header.sform_code > 0 ? farthest(header, s, taken) : HUGE_VAL;
  if (both && farthest(header, q, s) > tolerance_mm) {
    notes.add(fmt::format("{}: qform and sform place voxels up to {:.3g} mm apart; the {} is used", path,
                          farthest(header, q, s), from_q < from_s ? "qform" : "sform"));
  }
  if (std::min(from_q, from_s) > tolerance_mm) {
    notes.add(
        fmt::format("{}: voxel size and orientation matrix contradict each other by up to {:.3g} mm; "
                    "sizes are from pixdim, directions from the matrix",
                    path, std::min(from_q, from_s)));
  }
}

}  // namespace pillar
