#include "pillar/data/placement.h"

namespace pillar {
namespace {

// Tensors count slices, rows and columns; geometry counts them the other way round.
std::array<double, 3> reversed(const std::array<double, 3>& axes) {
  return {axes[2], axes[1], axes[0]};
}

// The place on an axis of the volume, from that on the axis which it became, and the other way round.
double turned(const Placement& placement, std::size_t axis, double place) {
  if (!placement.order.reversed[axis]) return place;
  return static_cast<double>(placement.fitted_dhw()[axis] - 1) - place;
}

// The flip is its own reverse.
double flipped_slice(const Placement& placement, double slice) {
  return placement.flipped ? static_cast<double>(placement.size_dhw[0] - 1) - slice : slice;
}

}  // namespace

SizeDhw Placement::fitted_dhw() const {
  return reordered(volume.size_dhw, order);
}

bool Placement::pads() const noexcept {
  return fits[0].kept < size_dhw[0] || fits[1].kept < size_dhw[1] || fits[2].kept < size_dhw[2];
}

VoxelDhw to_volume(const Placement& placement, const VoxelDhw& input_dhw) {
  VoxelDhw voxel = {flipped_slice(placement, input_dhw[0]), input_dhw[1], input_dhw[2]};
  VoxelDhw volume = {0, 0, 0};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double fitted = voxel[axis] + static_cast<double>(placement.fits[axis].first());
    volume[static_cast<std::size_t>(placement.order.from[axis])] = turned(placement, axis, fitted);
  }
  return volume;
}

VoxelDhw from_volume(const Placement& placement, const VoxelDhw& volume_dhw) {
  VoxelDhw voxel = reordered(volume_dhw, placement.order);
  for (std::size_t axis = 0; axis < 3; ++axis)
    voxel[axis] = turned(placement, axis, voxel[axis]) - static_cast<double>(placement.fits[axis].first());
  voxel[0] = flipped_slice(placement, voxel[0]);
  return voxel;
}

PatientXyz to_patient(const Placement& placement, const VoxelDhw& input_dhw) {
  return placement.volume.geometry.point(reversed(to_volume(placement, input_dhw)));
}

VoxelDhw from_patient(const Placement& placement, const PatientXyz& point_xyz_mm) {
  return from_volume(placement, reversed(placement.volume.geometry.index(point_xyz_mm)));
}

VoxelDhw to_source(const Placement& placement, const VoxelDhw& input_dhw) {
  return reversed(placement.source.geometry.index(to_patient(placement, input_dhw)));
}

VoxelDhw from_source(const Placement& placement, const VoxelDhw& source_dhw) {
  return from_patient(placement, placement.source.geometry.point(reversed(source_dhw)));
}

}  // namespace pillar
