// Lungs with their vessels and airways.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

struct Branch {
  Vec3 start, direction;
  double length, radius;
  int depth;
};

// A tube thinner than a voxel must be paler, not thicker.
float thin_tube_value(const Painter& painter, double radius, float value, float around) {
  const double share = clamp01(2.3 * radius / painter.canvas.edge_mm());
  return static_cast<float>(mix(around, value, share));
}

void paint_branch(const Painter& painter, const Branch& branch, Vec3 end) {
  const double tip = branch.radius * 0.8;
  const float value =
      thin_tube_value(painter, branch.radius, painter.palette.blood, painter.palette.lung_dense);
  painter.canvas.fill(box_of(branch.start, end, branch.radius), value,
                      [&](Vec3 p) { return sd_cone(p, branch.start, end, branch.radius, tip); });
}

// Any direction at right angles to `direction`.
Vec3 sideways(Vec3 direction, Random& random) {
  for (;;) {
    const Vec3 v{random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)};
    const Vec3 across = v - direction * dot(v, direction);
    if (length(across) > 0.2) return normalized(across);
  }
}

void paint_vessel_tree(const Painter& painter, int side) {
  const Anatomy& anatomy = painter.scene.anatomy;
  Random random(anatomy.seed, kVesselStream + (side == kLeft ? 1000 : 0));
  const Vec3 hilum{side * 36.0, 12, side == kRight ? 40.0 : 48.0};
  std::vector<Branch> branches;
  const Vec3 targets[] = {{82, -40, 105}, {60, 45, 120}, {100, -20, 50}, {95, 55, 70},  {80, -60, 25},
                          {105, 20, -10}, {70, 72, -45}, {85, 62, 0},    {60, -55, 70}, {45, 10, 128},
                          {95, -45, 0},   {110, 10, 35}, {55, 70, 40},   {90, 40, -60}};
  for (Vec3 target : targets) {
    target.x *= side;
    const Vec3 jitter{random.uniform(-12, 12), random.uniform(-12, 12), random.uniform(-12, 12)};
    const Vec3 way = target + jitter - hilum;
    branches.push_back({hilum, normalized(way), 0.34 * length(way), 5.0, 0});
  }
  for (std::size_t next = 0; next < branches.size(); ++next) {
    const Branch branch = branches[next];
    const Vec3 end = branch.start + branch.direction * branch.length;
    if (lung(anatomy, side, end) > (branch.depth == 0 ? 12 : -2)) continue;  // stops short of the pleura
    paint_branch(painter, branch, end);
    if (branch.depth == 6 || branch.radius < 0.4) continue;
    const Vec3 across = sideways(branch.direction, random);
    const double lean = random.uniform(0.35, 0.6);
    const double share = random.uniform(0.68, 0.8);
    branches.push_back({end, normalized(branch.direction + across * lean),
                        branch.length * random.uniform(0.66, 0.92), branch.radius * share, branch.depth + 1});
    branches.push_back({end, normalized(branch.direction - across * (1 - lean)),
                        branch.length * random.uniform(0.66, 0.92), branch.radius * (1.42 - share),
                        branch.depth + 1});
  }
}

void paint_airway(const Painter& painter, const Tube& tube, double wall) {
  Tube outer = tube;
  for (TubePoint& point : outer) point.radius += wall;
  paint_tube(painter, outer, painter.palette.airway_wall);
  paint_tube(painter, tube, painter.palette.air);
}

void paint_airways(const Painter& painter) {
  paint_airway(painter, {{{0, 10, 200}, 8.5}, {{0, 10, 150}, 8.5}, {{1, 14, 100}, 8.5}, {{0, 18, 72}, 9}},
               1.8);
  paint_airway(painter,
               {{{0, 18, 72}, 7.5},
                {{-20, 20, 56}, 6.5},
                {{-40, 22, 42}, 5.5},
                {{-56, 32, 22}, 3.5},
                {{-66, 44, -5}, 2.4}},
               1.5);
  paint_airway(
      painter,
      {{{0, 18, 72}, 7}, {{24, 22, 56}, 6}, {{44, 26, 44}, 5}, {{56, 36, 20}, 3.3}, {{66, 46, -8}, 2.2}},
      1.5);
  for (int side : {kRight, kLeft}) {
    paint_airway(painter, {{{side * 36.0, 20, 47}, 4}, {{side * 54.0, 8, 68}, 3}, {{side * 66.0, 4, 90}, 2}},
                 1.3);
    paint_airway(painter,
                 {{{side * 46.0, 24, 36}, 3.4}, {{side * 64.0, -8, 22}, 2.4}, {{side * 76.0, -30, 8}, 1.8}},
                 1.2);
  }
}

}  // namespace

void paint_lungs(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  // The diaphragm: a sheet of muscle over liver, spleen and stomach.
  for (int side : {kRight, kLeft}) {
    painter.canvas.fill(lung_box(side), palette.muscle, [&](Vec3 p) { return lung(anatomy, side, p) - 2; });
    const auto collapse = painter.scene.pneumothorax;
    const bool collapsed = collapse && collapse->side == side;
    painter.canvas.paint(
        lung_box(side), [&](Vec3 p) { return lung(anatomy, side, p); },
        [&](Vec3 p, double) {  // blood settles at the back of a patient who lies on it
          const double settled = clamp01((p.y + 70) / 170);
          const double mottled = 0.3 * (value_noise(p, 14, anatomy.seed) - 0.5);
          return mix(palette.lung, palette.lung_dense, settled * settled + mottled + (collapsed ? 0.5 : 0.0));
        });
    // The oblique fissure, thinner than most voxels.
    const float fissure = thin_tube_value(painter, 0.5, palette.fat, palette.lung_dense);
    painter.canvas.fill(lung_box(side), fissure, [&](Vec3 p) {
      const double plane = 0.64 * (p.y - 15) + 0.77 * (p.z - 30);
      return std::abs(plane) > 4 ? 1e3 : std::max(std::abs(plane) - 0.5, lung(anatomy, side, p) + 3);
    });
    paint_vessel_tree(painter, side);
  }
  paint_airways(painter);
}

}  // namespace pillar::phantom
