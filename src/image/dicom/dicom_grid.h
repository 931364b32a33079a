// Internal: from where the planes of a series lie to the volume's grid.
#pragma once

#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_geometry.h"
#include "image/resample/resample_planes.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// What is to become of planes that lie on no even grid.
struct PlaneCorrection {
  PlaneStack stack;         // in the frame of `own`: its axes, from the first pixel of the first plane
  BoxGrid own;              // covers all of them, as fine as they are
  Geometry frame;           // of that frame: its origin is the first pixel's, its spacing is `own`'s
  double last_step_mm = 0;  // between the last two planes, along the third axis
};

struct StackPlan {
  double spacing_mm = 0;  // of planes that are taken as they are
  bool against_normal = false;
  double shear_deg = 0;
  std::optional<PlaneCorrection> correction;  // unset: plane k is slice k
};

// Needs two planes or more. Adds what is corrected, or was left uncorrected, to the report. Throws
// Error(input), `name` first, where a policy refuses what it finds, and what measure_stack() throws.
StackPlan plan_stack(const std::vector<DicomPlane>& planes, const DicomLoadOptions& options,
                     const std::string& name, LoadReport& report);

// A grid of this spacing that covers the same space as `own`: from the same first voxel, columns and rows as
// many as resample() makes, slices as far as the last plane; one more where that would have no share in them.
BoxGrid with_spacing(const PlaneCorrection& correction, const std::array<double, 3>& spacing_xyz_mm);

// The planes (K,H,W) on the grid of the correction or, where the options ask for a spacing, on one of that.
// Fills in the report's `own_grid`.
Volume resampled_planes(const at::Tensor& planes_khw, const PlaneCorrection& correction,
                        const DicomLoadOptions& options, LoadReport& report);

// Where a grid of that frame lies in the patient.
Geometry grid_geometry(const Geometry& frame, const BoxGrid& grid) noexcept;

}  // namespace pillar
