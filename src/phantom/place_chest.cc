// Where findings of lungs, pleura, heart and ribs lie.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

// The point deepest inside a region and the region's longest extent, searched on a coarse lattice.
struct Region {
  Vec3 deepest;
  double depth = 0;
  double extent = 0;
};
template <typename Distance>
Region explore(const Box& box, Distance distance) {
  constexpr double kStep = 6;
  Region region;
  Vec3 low = box.high, high = box.low;
  for (double z = box.low.z; z <= box.high.z; z += kStep) {
    for (double y = box.low.y; y <= box.high.y; y += kStep) {
      for (double x = box.low.x; x <= box.high.x; x += kStep) {
        const Vec3 p{x, y, z};
        const double d = distance(p);
        if (d >= 0) continue;
        low = {std::min(low.x, x), std::min(low.y, y), std::min(low.z, z)};
        high = {std::max(high.x, x), std::max(high.y, y), std::max(high.z, z)};
        if (-d > region.depth) region = {p, -d, 0};
      }
    }
  }
  region.extent = std::max({high.x - low.x, high.y - low.y, high.z - low.z});
  return region;
}

const char* lobe_of(int side, Vec3 p) {
  if (0.64 * (p.y - 15) + 0.77 * (p.z - 30) < 0 && p.y > -20) return "lower lobe";
  if (p.z > 30 || side == kLeft) return p.z > 15 ? "upper lobe" : (side == kLeft ? "lingula" : "middle lobe");
  return "middle lobe";
}

}  // namespace

double effusion(const Scene& scene, Vec3 p) {
  const int side = scene.effusion->side;
  const double off_axis = side * p.x - 60;
  const double level = scene.effusion->level_y + 0.24 * (p.z + 70) - 0.004 * off_axis * off_axis;
  const double before = 0.9 * (level - p.y);
  return before > 20 ? before : std::max(before, lung(scene.anatomy, side, p));
}

double pneumothorax(const Scene& scene, Vec3 p) {
  const int side = scene.pneumothorax->side;
  const double off_axis = side * p.x - 50;
  const double level = scene.pneumothorax->level_y + 0.0035 * off_axis * off_axis;
  const double behind = 0.9 * (p.y - level);
  return behind > 20 ? behind : std::max(behind, lung(scene.anatomy, side, p));
}

double pleural_extent(const Scene& scene, FindingKind kind) {
  const bool fluid = kind == FindingKind::pleural_effusion;
  const int side = fluid ? scene.effusion->side : scene.pneumothorax->side;
  const Region region =
      explore(lung_box(side), [&](Vec3 p) { return fluid ? effusion(scene, p) : pneumothorax(scene, p); });
  return region.extent * scene.anatomy.frame.scale;
}

void place_effusion(Placing& placing) {
  const int side = placing.random.sign();
  placing.scene.effusion = PleuralSpace{side, placing.random.uniform(22, 46)};
  const Region region = explore(lung_box(side), [&](Vec3 p) { return effusion(placing.scene, p); });
  placing.state(FindingKind::pleural_effusion, region.deepest, region.extent, side_name(side), "");
}

void place_pneumothorax(Placing& placing) {
  const int side = placing.random.sign();
  placing.scene.pneumothorax = PleuralSpace{side, placing.random.uniform(-52, -36)};
  const Region region = explore(lung_box(side), [&](Vec3 p) { return pneumothorax(placing.scene, p); });
  placing.state(FindingKind::pneumothorax, region.deepest, region.extent, side_name(side), "");
}

void place_nodule(Placing& placing) {
  Scene& scene = placing.scene;
  Random& random = placing.random;
  const double wanted = random.uniform(9, 26) / scene.anatomy.frame.scale;
  double radius = 0.5 * std::max(wanted, 2.2 * placing.spacing);
  int side = random.sign();
  for (int attempt = 0;; ++attempt) {
    // Where there is little aerated lung left, try the other side, then smaller.
    if (attempt % 200 == 199) side = -side;
    if (attempt % 400 == 399) radius = std::max(0.85 * radius, 3.0);
    const Box box = lung_box(side);
    const Vec3 p{random.uniform(box.low.x, box.high.x), random.uniform(box.low.y, box.high.y),
                 random.uniform(box.low.z, box.high.z)};
    const double margin = -(radius + 4);
    if (lung(scene.anatomy, side, p) > margin) continue;
    if (scene.effusion && scene.effusion->side == side && effusion(scene, p) < -margin) continue;
    if (scene.pneumothorax && scene.pneumothorax->side == side && pneumothorax(scene, p) < -margin) continue;
    // Lobulated: a core and two smaller bulges inside the stated diameter.
    scene.nodule = {{p, 0.9 * radius}};
    for (int bulge = 0; bulge < 2; ++bulge) {
      const Vec3 way = normalized({random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)});
      scene.nodule.push_back({p + way * (0.42 * radius), 0.58 * radius});
    }
    placing.state(FindingKind::lung_nodule, p, 2 * radius, side_name(side), lobe_of(side, p));
    return;
  }
}

void place_coronary(Placing& placing) {
  // Plaques along the anterior descending artery, which runs over the heart from its base to its apex.
  Scene& scene = placing.scene;
  const int count = 2 + placing.random.below(3);
  const double radius = std::max(0.5 * placing.random.uniform(5, 7.5), 0.62 * placing.spacing);
  const double first = placing.random.uniform(-0.2, 0.0);
  Vec3 last{};
  for (int i = 0; i < count; ++i) {
    const double along = first + 0.16 * i;
    // On the ellipsoid: along^2 + across^2 + up^2 = 1.
    const double around = std::sqrt(1 - along * along);
    last = heart_axis_point(scene.anatomy, along, -0.42 * around, 0.9075 * around);
    scene.coronary.push_back({last, radius * placing.random.uniform(0.85, 1.0)});
  }
  const Vec3 start = scene.coronary.front().center;
  scene.coronary.front().radius = radius;
  placing.state(FindingKind::coronary_calcification, start, length(last - start) + 2 * radius, "",
                "left anterior descending artery");
}

void place_rib_gap(Placing& placing) {
  RibGap gap;
  gap.side = placing.random.sign();
  gap.number = 4 + placing.random.below(6);
  gap.fraction = placing.random.uniform(0.35, 0.8);
  gap.half_gap = std::max(placing.random.uniform(3.5, 5), 0.75 * placing.spacing);
  placing.scene.rib_gap = gap;
  const Vec3 center = rib_point(rib(placing.scene.anatomy, gap.side, gap.number), gap.fraction);
  placing.state(FindingKind::rib_fracture, center, 2 * gap.half_gap, side_name(gap.side),
                "rib " + std::to_string(gap.number));
}

void place_cardiomegaly(Placing& placing) {
  Anatomy& anatomy = placing.scene.anatomy;
  const double before = anatomy.heart_scale;
  anatomy.heart_scale *= placing.random.uniform(1.24, 1.36);
  // It grows to the left and front and stays on the diaphragm.
  anatomy.heart_center = anatomy.heart_center + Vec3{6, -3, 24 * (anatomy.heart_scale - before)};
  placing.state(FindingKind::cardiomegaly, anatomy.heart_center, 2 * 60 * anatomy.heart_scale, "", "");
}

}  // namespace pillar::phantom
