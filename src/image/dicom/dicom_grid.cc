#include "image/dicom/dicom_grid.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "image/dicom/dicom_gaps.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double slightest_tilt_deg = 0.5;  // orientations that come rounded to two digits are off by less
constexpr double worth_a_note_deg = 0.1;
constexpr double most_voxels_an_axis = 1 << 20;

struct Axes {
  Vector3 x, y, z;
};

// What is wrong with a stack and is to be corrected.
struct Faults {
  bool tilt = false;
  bool beside = false;
  SliceSpacing spacing;

  bool any() const noexcept { return tilt || beside || !spacing.even; }
};

// Of the stack's two ends against each other.
double lateral_mm(const Stack& stack) {
  return stack.extent * std::sin(stack.shear_deg * std::numbers::pi / 180);
}

bool judge_tilt(const Stack& stack, const DicomPlane& plane, TiltPolicy policy, const std::string& name,
                LoadReport& report) {
  const double pixel = std::min(plane.pixel_spacing_rc_mm[0], plane.pixel_spacing_rc_mm[1]);
  const bool tilted = stack.shear_deg > slightest_tilt_deg && lateral_mm(stack) > 0.5 * pixel;
  if (tilted && policy == TiltPolicy::refuse) {
    fail(ErrorCategory::input, "{}: gantry tilt: the planes are stacked {:.2f} degrees off their normal",
         name, stack.shear_deg);
  }
  if (tilted && policy == TiltPolicy::correct) {
    report.gantry_tilt_corrected_deg = stack.shear_deg;
    report.notes.add(fmt::format(
        "gantry tilt: the planes are stacked {:.2f} degrees off their normal; resampled to a grid along the "
        "table",
        stack.shear_deg));
    return true;
  }
  if (stack.shear_deg > worth_a_note_deg) {
    report.notes.add(fmt::format(
        "gantry tilt: the planes are stacked {:.2f} degrees off their normal; the volume is not sheared back",
        stack.shear_deg));
  }
  return false;
}

bool judge_sideways(const Stack& stack, double spacing_mm, GapPolicy policy, const std::string& name,
                    LoadReport& report) {
  if (stack.sideways <= place_tolerance(spacing_mm)) return false;
  const std::string fault =
      fmt::format("planes lie up to {:.2f} mm beside the line from the first to the last", stack.sideways);
  if (policy == GapPolicy::fail) fail(ErrorCategory::input, "{}: {}", name, fault);
  report.notes.add(fault + (policy == GapPolicy::interpolate ? "; resampled from where they lie" : ""));
  return policy == GapPolicy::interpolate;
}

Vector3 scaled(const Vector3& a, double factor) noexcept {
  return {factor * a[0], factor * a[1], factor * a[2]};
}

// The planes' own axes, the third from the first plane to the last; with a tilt, the third is the line on
// which the planes are stacked, the first stays as near to the rows as it can.
Axes corrected_axes(const Stack& stack, const DicomPlane& plane, bool tilt) {
  const PlaneAxes own = plane_axes(plane.orientation);
  if (!tilt) return {own.row, own.column, scaled(own.normal, stack.against_normal ? -1 : 1)};
  Axes axes;
  axes.z = scaled(stack.offsets.back(), 1 / length(stack.offsets.back()));
  axes.x = minus(own.row, scaled(axes.z, dot(own.row, axes.z)));
  axes.x = scaled(axes.x, 1 / length(axes.x));
  axes.y = cross(axes.z, axes.x);
  if (dot(axes.y, own.column) < 0) axes.y = scaled(axes.y, -1);
  return axes;
}

Vector3 in_axes(const Vector3& a, const Axes& axes) noexcept {
  return {dot(a, axes.x), dot(a, axes.y), dot(a, axes.z)};
}

// Planes where they lie, or where a policy takes them to lie: on one line, or at even steps of it.
PlaneStack placed_planes(const Stack& stack, const DicomPlane& plane, const Axes& axes, const Faults& faults,
                         GapPolicy policy) {
  PlaneStack placed;
  placed.pixel_spacing_rc_mm = plane.pixel_spacing_rc_mm;
  if (faults.tilt) {
    const PlaneAxes own = plane_axes(plane.orientation);
    placed.row = in_axes(own.row, axes);
    placed.column = in_axes(own.column, axes);
  }
  const double even_step = stack.extent / static_cast<double>(stack.places.size() - 1);
  for (std::size_t k = 0; k < stack.places.size(); ++k) {
    const double along = policy == GapPolicy::ignore ? static_cast<double>(k) * even_step : stack.places[k];
    placed.origins.push_back({0, 0, along});
    if (!faults.beside) continue;
    // Off the line only: what a tilt that is kept shifts stays as it is.
    const Vector3 off = minus(stack.offsets[k], scaled(stack.offsets.back(), stack.places[k] / stack.extent));
    const Vector3 beside = in_axes(off, axes);
    for (std::size_t i = 0; i < 3; ++i) placed.origins.back()[i] += beside[i];
  }
  return placed;
}

// The least box with these axes that holds the centre of every pixel.
std::pair<Vector3, Vector3> box_of(const PlaneStack& stack, const DicomPlane& plane) {
  Vector3 low = {HUGE_VAL, HUGE_VAL, HUGE_VAL}, high = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  const double width = (plane.columns - 1) * stack.pixel_spacing_rc_mm[1];
  const double height = (plane.rows - 1) * stack.pixel_spacing_rc_mm[0];
  for (const auto& origin : stack.origins) {
    for (int corner = 0; corner < 4; ++corner) {
      const double right = (corner & 1) != 0 ? width : 0, down = (corner & 2) != 0 ? height : 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const double place = origin[i] + right * stack.row[i] + down * stack.column[i];
        low[i] = std::min(low[i], place);
        high[i] = std::max(high[i], place);
      }
    }
  }
  return {low, high};
}

std::int64_t voxels_along(double count, char axis) {
  if (!(count < most_voxels_an_axis))
    fail(ErrorCategory::input, "resampling axis {} would make {:g} voxels", axis, count);
  return std::max<std::int64_t>(1, std::llrint(count));
}

PlaneCorrection make_correction(const Stack& stack, const DicomPlane& plane, const Faults& faults,
                                GapPolicy policy) {
  const Axes axes = corrected_axes(stack, plane, faults.tilt);
  PlaneCorrection correction;
  correction.stack = placed_planes(stack, plane, axes, faults, policy);
  const auto& origins = correction.stack.origins;
  correction.last_step_mm = origins.back()[2] - origins[origins.size() - 2][2];
  correction.frame = stack_geometry(plane, stack.against_normal, faults.spacing.spacing_mm);
  for (std::size_t i = 0; i < 3; ++i) {
    correction.frame.direction[3 * i] = axes.x[i] + 0.0;  // no negative zeros
    correction.frame.direction[3 * i + 1] = axes.y[i] + 0.0;
    correction.frame.direction[3 * i + 2] = axes.z[i] + 0.0;
  }
  const auto [low, high] = box_of(correction.stack, plane);
  BoxGrid& own = correction.own;
  own.origin_xyz_mm = low;
  own.spacing_xyz_mm = correction.frame.spacing_xyz_mm;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double steps = (high[axis] - low[axis]) / own.spacing_xyz_mm[axis];
    own.size_dhw[2 - axis] = voxels_along(std::ceil(steps - 1e-6) + 1, "xyz"[axis]);
  }
  return correction;
}

}  // namespace

StackPlan plan_stack(const std::vector<DicomPlane>& planes, const DicomLoadOptions& options,
                     const std::string& name, LoadReport& report) {
  const Stack stack = measure_stack(planes);
  const DicomPlane& first = planes.front();
  StackPlan plan;
  plan.against_normal = stack.against_normal;
  plan.shear_deg = stack.shear_deg;
  Faults faults;
  faults.tilt = judge_tilt(stack, first, options.gantry_tilt, name, report);
  faults.spacing = judge_spacing(stack, options.gaps, name, report);
  faults.beside = judge_sideways(stack, faults.spacing.spacing_mm, options.gaps, name, report);
  plan.spacing_mm = faults.spacing.spacing_mm;
  if (!faults.any()) return plan;
  report.filled_positions_mm = faults.spacing.missing_mm;
  if (!faults.spacing.even) report.slice_positions_mm = stack.places;
  plan.correction = make_correction(stack, first, faults, options.gaps);
  return plan;
}

BoxGrid with_spacing(const PlaneCorrection& correction, const std::array<double, 3>& spacing_xyz_mm) {
  const BoxGrid& own = correction.own;
  BoxGrid grid = own;
  grid.spacing_xyz_mm = spacing_xyz_mm;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const double extent = static_cast<double>(own.size_dhw[2 - axis]) * own.spacing_xyz_mm[axis];
    grid.size_dhw[2 - axis] = voxels_along(std::nearbyint(extent / spacing_xyz_mm[axis]), "xyz"[axis]);
  }
  const double length_mm = static_cast<double>(own.size_dhw[0] - 1) * own.spacing_xyz_mm[2];
  const double steps = std::floor(length_mm / spacing_xyz_mm[2] + 1e-6);
  const double rest = length_mm - steps * spacing_xyz_mm[2];
  const bool last_has_no_share = rest >= std::max(correction.last_step_mm, spacing_xyz_mm[2] / 2);
  grid.size_dhw[0] = voxels_along(steps + 1 + (last_has_no_share ? 1 : 0), 'z');
  return grid;
}

Volume resampled_planes(const at::Tensor& planes_khw, const PlaneCorrection& correction,
                        const DicomLoadOptions& options, LoadReport& report) {
  report.own_grid = Grid{grid_geometry(correction.frame, correction.own), correction.own.size_dhw};
  const BoxGrid grid = options.target_spacing_xyz_mm
                           ? with_spacing(correction, *options.target_spacing_xyz_mm)
                           : correction.own;
  Volume volume;
  volume.geometry = grid_geometry(correction.frame, grid);
  volume.voxels_dhw =
      resample_planes(planes_khw, correction.stack, grid,
                      options.nearest_neighbour ? Interpolation::nearest : Interpolation::linear,
                      options.threads > 0 ? options.threads : usable_processors());
  return volume;
}

Geometry grid_geometry(const Geometry& frame, const BoxGrid& grid) noexcept {
  Geometry geometry = frame;
  geometry.spacing_xyz_mm = grid.spacing_xyz_mm;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      geometry.origin_xyz_mm[row] += frame.direction[3 * row + axis] * grid.origin_xyz_mm[axis];
  }
  return geometry;
}

}  // namespace pillar
