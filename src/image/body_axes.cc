#include "pillar/image/body_axes.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ATen/ops/flip.h>

namespace pillar {
namespace {

constexpr std::string_view kSideLetters = "LPSRAI";  // in the order of BodySide

// Which of x, y and z a side lies on, and whether these rise to it.
int line_of(BodySide side) {
  return static_cast<int>(side) % 3;
}
bool is_positive(BodySide side) {
  return static_cast<int>(side) < 3;
}

// Of axis D, H or W, as a unit vector; geometry counts the axes the other way round.
std::array<double, 3> direction_of(const Geometry& geometry, int axis_dhw) {
  return geometry.axis(2 - axis_dhw);
}

}  // namespace

std::string to_letters(const BodyAxes& axes) {
  std::string letters;
  for (const BodySide side : axes) letters += kSideLetters[static_cast<std::size_t>(side)];
  return letters;
}

BodyAxes parse_body_axes(std::string_view letters) {
  BodyAxes axes = {};
  std::array<bool, 3> taken = {false, false, false};
  bool sound = letters.size() == 3;
  for (std::size_t i = 0; sound && i < 3; ++i) {
    const std::size_t side = kSideLetters.find(letters[i]);
    sound = side != std::string_view::npos && !taken[side % 3];
    if (!sound) break;
    taken[side % 3] = true;
    axes[i] = static_cast<BodySide>(side);
  }
  if (sound) return axes;
  fail(ErrorCategory::usage,
       "axes '{}': three letters for D, H and W, one of L and R, one of P and A, one of S and I, such as SPL",
       letters);
}

BodyAxes nearest_body_axes(const Geometry& geometry) {
  std::array<int, 3> best = {2, 1, 0};
  double largest = -1;
  // The lines that D, H and W may be taken for; of two that are as near the first, an axial scan before all.
  constexpr std::array<std::array<int, 3>, 6> kChoices = {
      {{2, 1, 0}, {2, 0, 1}, {1, 2, 0}, {1, 0, 2}, {0, 2, 1}, {0, 1, 2}}};
  for (const std::array<int, 3>& choice : kChoices) {
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis) sum += std::abs(direction_of(geometry, axis)[choice[axis]]);
    if (!(sum > largest)) continue;
    largest = sum;
    best = choice;
  }
  BodyAxes axes;
  for (int axis = 0; axis < 3; ++axis) {
    const bool positive = direction_of(geometry, axis)[best[axis]] >= 0;
    axes[axis] = static_cast<BodySide>(best[axis] + (positive ? 0 : 3));
  }
  return axes;
}

double degrees_off_body_axes(const Geometry& geometry) {
  const BodyAxes nearest = nearest_body_axes(geometry);
  double cosine = 1;
  for (int axis = 0; axis < 3; ++axis)
    cosine = std::min(cosine, std::abs(direction_of(geometry, axis)[line_of(nearest[axis])]));
  return std::acos(std::clamp(cosine, 0.0, 1.0)) * 180 / std::numbers::pi;
}

AxisOrder axis_order(const Geometry& geometry, const BodyAxes& wanted) {
  const BodyAxes has = nearest_body_axes(geometry);
  AxisOrder order;
  for (std::size_t to = 0; to < 3; ++to) {
    for (std::size_t from = 0; from < 3; ++from) {
      if (line_of(has[from]) != line_of(wanted[to])) continue;
      order.from[to] = static_cast<int>(from);
      order.reversed[to] = is_positive(has[from]) != is_positive(wanted[to]);
    }
  }
  return order;
}

Grid reordered(const Grid& grid, const AxisOrder& order) {
  Grid result;
  result.size_dhw = reordered(grid.size_dhw, order);
  std::array<double, 3> first_ijk = {0, 0, 0};  // the voxel that becomes the first
  for (std::size_t to = 0; to < 3; ++to) {
    const auto from = static_cast<std::size_t>(order.from[to]);
    const std::size_t column = 2 - to, was = 2 - from;
    result.geometry.spacing_xyz_mm[column] = grid.geometry.spacing_xyz_mm[was];
    for (std::size_t row = 0; row < 3; ++row) {
      const double cosine = grid.geometry.direction[3 * row + was];
      result.geometry.direction[3 * row + column] = order.reversed[to] ? 0 - cosine : cosine;  // no -0
    }
    if (order.reversed[to]) first_ijk[was] = static_cast<double>(grid.size_dhw[from] - 1);
  }
  result.geometry.origin_xyz_mm = grid.geometry.point(first_ijk);
  return result;
}

Volume reordered(const Volume& volume, const AxisOrder& order) {
  if (order.keeps_all()) return volume;
  Volume result = volume;
  result.geometry = reordered(grid_of(volume), order).geometry;
  // uint16 has few operators; its bits are int16's.
  const bool is_uint16 = volume.voxels_dhw.scalar_type() == at::kUInt16;
  at::Tensor voxels = is_uint16 ? volume.voxels_dhw.view(at::kShort) : volume.voxels_dhw;
  voxels = voxels.permute({order.from[0], order.from[1], order.from[2]});
  std::vector<std::int64_t> turned;
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    if (order.reversed[static_cast<std::size_t>(axis)]) turned.push_back(axis);
  }
  voxels = (turned.empty() ? voxels : at::flip(voxels, turned)).contiguous();
  result.voxels_dhw = is_uint16 ? voxels.view(at::kUInt16) : voxels;
  return result;
}

}  // namespace pillar
