#include "phantom/finding_masks.h"

#include <algorithm>
#include <cmath>

#include <ATen/Functions.h>

namespace pillar::phantom {
namespace {

double distance_to_balls(const std::vector<Ball>& balls, Vec3 p) {
  double d = kFar;
  for (const Ball& ball : balls) d = std::min(d, sd_sphere(p, ball.center, ball.radius));
  return d;
}

double distance_to_body_of(const Vertebra& vertebra, Vec3 p) {
  const Vec3 q = p - vertebra.center;
  return std::max({std::abs(q.x) - vertebra.half_width, std::abs(q.y) - vertebra.half_depth,
                   std::abs(q.z) - vertebra.half_height});
}

std::int64_t nearest_index(double index, std::int64_t size) {
  return std::clamp(static_cast<std::int64_t>(std::floor(index + 0.5)), std::int64_t{0}, size - 1);
}

}  // namespace

ShapeDistance finding_distance(const Scene& scene, FindingKind kind) {
  const auto to_balls = [](const std::vector<Ball>& balls) {
    return [balls](Vec3 p) { return distance_to_balls(balls, p); };
  };
  switch (kind) {
    case FindingKind::lung_nodule:
      return to_balls(scene.nodule);
    case FindingKind::pleural_effusion:
      return [&scene](Vec3 p) { return effusion(scene, p); };
    case FindingKind::coronary_calcification:
      return to_balls(scene.coronary);
    case FindingKind::rib_fracture: {
      const RibGap& gap = *scene.rib_gap;
      return to_balls({{rib_point(rib(scene.anatomy, gap.side, gap.number), gap.fraction), gap.half_gap}});
    }
    case FindingKind::hepatic_lesion:
      return to_balls(scene.hepatic);
    case FindingKind::cardiomegaly:
      return [&scene](Vec3 p) { return heart(scene.anatomy, p); };
    case FindingKind::pneumothorax:
      return [&scene](Vec3 p) { return pneumothorax(scene, p); };
    case FindingKind::aortic_aneurysm:
      return [bulge = *scene.aneurysm](Vec3 p) {
        return sd_ellipsoid(p, bulge.center, {bulge.radius, bulge.radius, bulge.half_length});
      };
    case FindingKind::vertebral_fracture:
      return [vertebra = scene.spine[static_cast<std::size_t>(scene.collapse->vertebra)]](Vec3 p) {
        return distance_to_body_of(vertebra, p);
      };
    case FindingKind::kidney_stone:
      return to_balls({*scene.stone});
  }
  return to_balls({});
}

Volume finding_mask(const Scene& scene, const Finding& finding, const PhantomOptions& options) {
  const Canvas canvas(options, scene.anatomy.frame, 0);
  const std::int64_t n = options.size;
  Volume mask;
  mask.geometry = canvas.geometry();
  mask.voxels_dhw = at::zeros({n, n, n}, at::kByte);
  auto* voxel = mask.voxels_dhw.mutable_data_ptr<std::uint8_t>();
  const ShapeDistance distance = finding_distance(scene, finding.kind);
  bool any = false;
  for (std::int64_t k = 0; k < n; ++k) {
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < n; ++i, ++voxel) {
        if (distance(canvas.nominal(i, j, k)) >= 0) continue;
        *voxel = 1;
        any = true;
      }
    }
  }
  if (!any) {
    const std::array<double, 3> ijk = mask.geometry.index(finding.center_xyz_mm);
    mask.voxels_dhw[nearest_index(ijk[2], n)][nearest_index(ijk[1], n)][nearest_index(ijk[0], n)] = 1;
  }
  return mask;
}

std::array<double, 6> mask_box(const Volume& mask) {
  const std::int64_t n = mask.voxels_dhw.size(0);
  const auto* voxel = mask.voxels_dhw.const_data_ptr<std::uint8_t>();
  std::array<double, 3> low = {kFar, kFar, kFar}, high = {-kFar, -kFar, -kFar};
  for (std::int64_t v = 0; v < n * n * n; ++v) {
    if (voxel[v] == 0) continue;
    const std::array<double, 3> ijk = {static_cast<double>(v % n), static_cast<double>(v / n % n),
                                       static_cast<double>(v / (n * n))};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], ijk[axis] - 0.5);
      high[axis] = std::max(high[axis], ijk[axis] + 0.5);
    }
  }
  const auto from = mask.geometry.point(low), to = mask.geometry.point(high);
  std::array<double, 6> box;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box[axis] = std::min(from[axis], to[axis]);
    box[axis + 3] = std::max(from[axis], to[axis]);
  }
  return box;
}

}  // namespace pillar::phantom
