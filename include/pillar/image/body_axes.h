// The directions in which a volume's axes run through the patient, and volumes brought to other directions
// without touching a value: axes permuted and turned round.
#pragma once

#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pillar {

// In the order of x, y and z of LPS, first the sides that they rise to, then those that they fall to.
enum class BodySide : std::uint8_t { left, back, head, right, front, feet };

// The side of the patient that the index of each of the axes D, H and W rises to.
using BodyAxes = std::array<BodySide, 3>;

// An axial scan in DICOM's coordinates: slices from the feet up, rows from front to back, columns from right
// to left.
inline constexpr BodyAxes kAxialBodyAxes = {BodySide::head, BodySide::back, BodySide::left};

// One letter for each of D, H and W: L left, R right, P back (posterior), A front (anterior), S head
// (superior), I feet (inferior). The axial scan above is "SPL"; what dcm2niix writes is "SAL".
std::string to_letters(const BodyAxes& axes);
// Throws Error(usage) for other letters, more or fewer than three, and two for one direction.
BodyAxes parse_body_axes(std::string_view letters);

// What becomes of a volume's axes D, H and W.
struct AxisOrder {
  std::array<int, 3> from = {0, 1, 2};                   // axis i of the result is this axis of the volume
  std::array<bool, 3> reversed = {false, false, false};  // and then runs the other way round
  bool keeps_all() const noexcept { return *this == AxisOrder(); }
  bool operator==(const AxisOrder&) const = default;
};

// Oblique axes are taken for those of the body that are nearest: each for another, so that the sum of their
// cosines is largest.
BodyAxes nearest_body_axes(const Geometry& geometry);
double degrees_off_body_axes(const Geometry& geometry);  // the largest angle between an axis and its nearest
AxisOrder axis_order(const Geometry& geometry, const BodyAxes& wanted);

// Numbers that belong to the axes D, H and W (sizes, say), in the order of the result's axes.
template <typename T>
std::array<T, 3> reordered(const std::array<T, 3>& of_dhw, const AxisOrder& order) {
  return {of_dhw[static_cast<std::size_t>(order.from[0])], of_dhw[static_cast<std::size_t>(order.from[1])],
          of_dhw[static_cast<std::size_t>(order.from[2])]};
}

// The geometry follows, so that every voxel stays where it lies in the patient. A volume's voxels are copied
// unless the order keeps all.
Grid reordered(const Grid& grid, const AxisOrder& order);
Volume reordered(const Volume& volume, const AxisOrder& order);

}  // namespace pillar
