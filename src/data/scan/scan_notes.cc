#include "data/scan/scan_notes.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

constexpr double kSpacingTolerance = 0.05;
constexpr double kObliqueDegrees = 1;  // scanners' own axes come nearer to the table's than that

// Of numbers along x, y and z, which count the axes the other way round.
std::array<double, 3> in_order(const std::array<double, 3>& of_xyz, const AxisOrder& order) {
  const auto [d, h, w] = reordered(std::array<double, 3>{of_xyz[2], of_xyz[1], of_xyz[0]}, order);
  return {w, h, d};
}

}  // namespace

AxisOrder model_axis_order(const Geometry& geometry, const PreprocessSpec& spec) {
  return spec.axes ? axis_order(geometry, *spec.axes) : AxisOrder();
}

bool note_spacing(const std::string& name, const std::array<double, 3>& spacing_xyz_mm,
                  const AxisOrder& order, const PreprocessSpec& spec, Notes& notes) {
  if (!spec.target_spacing_xyz_mm) return false;
  const std::array<double, 3> spacing = in_order(spacing_xyz_mm, order);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double target = (*spec.target_spacing_xyz_mm)[axis];
    if (std::abs(spacing[axis] - target) <= kSpacingTolerance * target) continue;
    notes.add(fmt::format("{}: voxels of {:.4g} mm, the model expects {:.4g} mm; a sample is not resampled",
                          name, fmt::join(spacing, "x"), fmt::join(*spec.target_spacing_xyz_mm, "x")));
    return true;
  }
  return false;
}

void note_axes(const std::string& name, const Geometry& geometry, const PreprocessSpec& spec, Notes& notes) {
  if (!spec.axes) return;
  const std::string axes = to_letters(nearest_body_axes(geometry));
  const double off = degrees_off_body_axes(geometry);
  if (off > kObliqueDegrees) {
    notes.add(fmt::format("{}: its axes are up to {:.1f} degrees off the patient's; taken as the nearest, {}",
                          name, off, axes));
  }
  if (model_axis_order(geometry, spec).keeps_all()) return;
  notes.add(fmt::format("{}: stored along {} (D,H,W), brought to {}, as the model takes it", name, axes,
                        to_letters(*spec.axes)));
}

}  // namespace pillar
