// From a decoded scan to the voxels that a model sees: intensities, crop and pad, order of slices.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/placement.h"
#include "pillar/data/scan.h"
#include "pillar/model/preprocess_spec.h"

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ModelInput {
  at::Tensor voxels_cdhw;  // (1,D,H,W)
  Placement placement;     // where they come from and where they lie in the patient

  // The point of the patient at a voxel's centre, in millimetres (LPS); placement.h has the way back.
  PatientXyz to_patient(const VoxelDhw& voxel_dhw) const { return pillar::to_patient(placement, voxel_dhw); }
};

// Voxels on the CPU, D,H,W as the spec says. In this order:
// 1. Intensity rave10: voxels that did not come through the published stream go through its maps (without its
// video coding).
//    CT: clip to [-1024, 3071], luma code, HU: int16. MR: min-max to uint16 unless done already, luma code,
//    grey: uint16. Native: as they are.
// 2. Where the scan's geometry is known, its axes are brought to the spec's by permuting and turning them
// round; oblique ones are taken for the nearest. A scan whose geometry is not known, and every scan where the
// spec has no axes, stays as it is stored.
// 3. Each axis is cropped from (size - target) / 2, or padded with (target - size) / 2 before and the rest
// after. Where there is padding and the voxels' type cannot hold pad_value (-1 in MR's uint16), the result is
// float32. For training, `depth_crop` in [0, 1) draws where a deeper scan is cropped: from
// floor(depth_crop * (size - target + 1)).
// 4. The slices are turned round if flip_depth is on.
// What was decided for this scan is added to `notes`, one line each: axes that were brought to the spec's or
// are oblique, a spacing more than 5 % off, MR that was scaled. Throws Error(input) naming the scan: another
// modality than the spec's, a NaN, no voxels; Error(usage) for a depth_crop outside [0, 1).
ModelInput model_input(const Scan& scan, const PreprocessSpec& spec, Notes& notes,
                       std::optional<double> depth_crop = std::nullopt);

}  // namespace pillar
