// Internal: which voxels of a scan a finding takes.
#pragma once

#include "pillar/image/volume.h"

#include "phantom/scene.h"

#include <array>
#include <functional>

namespace pillar::phantom {

// Signed distance to a shape in nominal millimetres, negative inside.
using ShapeDistance = std::function<double(Vec3 p)>;

// To one of the scene's findings, which outlives it. Cardiomegaly is the whole heart, a vertebral fracture
// the whole vertebral body.
ShapeDistance finding_distance(const Scene& scene, FindingKind kind);

// uint8 on the scan's grid: 1 where a voxel's centre lies in the finding. One that is too small to hold a
// centre has the voxel nearest to its own.
Volume finding_mask(const Scene& scene, const Finding& finding, const PhantomOptions& options);

// Low and high corner of a mask's voxels in the patient, x, y, z in millimetres (LPS). The grid's axes are
// the patient's.
std::array<double, 6> mask_box(const Volume& mask);

}  // namespace pillar::phantom
