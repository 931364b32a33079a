// Where the voxels of a model's input come from and where they lie in the patient, so that a mask, a box or a
// map on either grid can be brought to the other.
#pragma once

#include "pillar/image/axis_fit.h"
#include "pillar/image/body_axes.h"
#include "pillar/image/volume.h"

#include <array>

namespace pillar {

// Every step from the scan's volume to the input, as they are done: the axes are brought to the order and the
// directions of the model's, each is cropped or padded, then the slices may be turned round. Resampling comes
// before, and `source` is the grid that it began with.
struct Placement {
  Grid volume;                   // of the scan's volume, which was fitted
  AxisOrder order = {};          // of its axes
  std::array<AxisFit, 3> fits;   // of the axes D, H and W in that order
  SizeDhw size_dhw = {0, 0, 0};  // of the input
  bool flipped = false;          // the input's slice 0 is the last of those that were fitted
  bool in_patient = false;       // else the grids' geometry is not known, and millimetres are only relative
  Grid source;  // of the scan as it was loaded from DICOM or a volume file; a sample's own grid

  SizeDhw fitted_dhw()
      const;  // the volume's size along the axes in their new order, which the fits begin with
  bool pads() const noexcept;  // whether some of the input's voxels are padding
};

// All points are in voxels along D, H and W, where whole numbers are the centres of voxels and an axis of n
// voxels reaches from -0.5 to n - 0.5; or in millimetres of the patient (LPS), x, y and z. Those outside of a
// grid are as good as those inside.
using VoxelDhw = std::array<double, 3>;
using PatientXyz = std::array<double, 3>;

// From a voxel of the input to the scan's volume, the patient, and the grid that the scan was loaded with.
VoxelDhw to_volume(const Placement& placement, const VoxelDhw& input_dhw);
PatientXyz to_patient(const Placement& placement, const VoxelDhw& input_dhw);
VoxelDhw to_source(const Placement& placement, const VoxelDhw& input_dhw);

// And back to the input.
VoxelDhw from_volume(const Placement& placement, const VoxelDhw& volume_dhw);
VoxelDhw from_patient(const Placement& placement, const PatientXyz& point_xyz_mm);
VoxelDhw from_source(const Placement& placement, const VoxelDhw& source_dhw);

}  // namespace pillar
