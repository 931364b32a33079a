#include "image/dicom/dicom_geometry.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace pillar {
namespace {

constexpr double same_place_mm = 1e-3;
constexpr double steepest_shear_deg = 60;  // gantries tilt by 30 at most

Vector3 unit(const Vector3& a) noexcept {
  const double scale = 1 / length(a);
  return {scale * a[0], scale * a[1], scale * a[2]};
}

std::string plane_name(const DicomPlane& plane) {
  return plane.frame == 0 ? plane.file.string() : fmt::format("{}: frame {}", plane.file, plane.frame + 1);
}

void refuse_duplicates(const std::vector<DicomPlane>& planes, const Vector3& normal) {
  std::vector<std::pair<double, std::size_t>> places;
  for (const DicomPlane& plane : planes) {
    places.emplace_back(dot(minus(*plane.position, *planes.front().position), normal), places.size());
  }
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i].first - places[i - 1].first > same_place_mm) continue;
    const DicomPlane& first = planes[std::min(places[i].second, places[i - 1].second)];
    const DicomPlane& second = planes[std::max(places[i].second, places[i - 1].second)];
    fail(ErrorCategory::input,
         "{}: duplicate position: the plane lies where {} does (several phases, echoes or stacks in one "
         "series?)",
         plane_name(second), plane_name(first));
  }
}

}  // namespace

double dot(const Vector3& a, const Vector3& b) noexcept {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector3 cross(const Vector3& a, const Vector3& b) noexcept {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector3 minus(const Vector3& a, const Vector3& b) noexcept {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

double length(const Vector3& a) noexcept {
  return std::sqrt(dot(a, a));
}

PlaneAxes plane_axes(const std::array<double, 6>& orientation) noexcept {
  PlaneAxes axes;
  axes.row = {orientation[0], orientation[1], orientation[2]};
  axes.column = {orientation[3], orientation[4], orientation[5]};
  axes.normal = unit(cross(axes.row, axes.column));
  axes.row = unit(cross(axes.column, axes.normal));
  axes.column = cross(axes.normal, axes.row);
  return axes;
}

Stack measure_stack(const std::vector<DicomPlane>& planes) {
  for (const DicomPlane& plane : planes) {
    if (!plane.position)
      fail(ErrorCategory::input, "{}: no ImagePositionPatient (0020,0032)", plane_name(plane));
  }
  const Vector3 normal = plane_axes(planes.front().orientation).normal;
  refuse_duplicates(planes, normal);
  const Vector3 first = *planes.front().position;
  const Vector3 span = minus(*planes.back().position, first);
  Stack stack;
  stack.extent = length(span);
  const double along = dot(span, normal);
  stack.against_normal = along < 0;
  stack.shear_deg = std::acos(std::min(1.0, std::abs(along) / stack.extent)) * 180 / std::numbers::pi;
  if (!(stack.shear_deg < steepest_shear_deg)) {
    fail(ErrorCategory::input,
         "{}: the planes lie beside each other, not on top: {:.0f} degrees off their normal",
         planes.front().file, stack.shear_deg);
  }
  for (const DicomPlane& plane : planes) {
    const Vector3 offset = minus(*plane.position, first);
    const double place = dot(offset, span) / stack.extent;
    stack.places.push_back(place);
    stack.offsets.push_back(offset);
    const Vector3 off_line = {offset[0] - span[0] * place / stack.extent,
                              offset[1] - span[1] * place / stack.extent,
                              offset[2] - span[2] * place / stack.extent};
    stack.sideways = std::max(stack.sideways, length(off_line));
  }
  return stack;
}

Geometry stack_geometry(const DicomPlane& first, bool against_normal, double slice_spacing_mm) noexcept {
  const PlaneAxes axes = plane_axes(first.orientation);
  Geometry geometry;
  geometry.spacing_xyz_mm = {first.pixel_spacing_rc_mm[1], first.pixel_spacing_rc_mm[0], slice_spacing_mm};
  geometry.origin_xyz_mm = first.position.value_or(Vector3{});
  for (std::size_t i = 0; i < 3; ++i) {
    geometry.direction[3 * i] = axes.row[i] + 0.0;  // no negative zeros
    geometry.direction[3 * i + 1] = axes.column[i] + 0.0;
    geometry.direction[3 * i + 2] = (against_normal ? -axes.normal[i] : axes.normal[i]) + 0.0;
  }
  return geometry;
}

}  // namespace pillar
