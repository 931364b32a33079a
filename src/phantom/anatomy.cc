#include "phantom/anatomy.h"

namespace pillar::phantom {
namespace {

// The heart's long axis points to the left, the front and the feet.
const Vec3 kHeartLong = normalized({0.66, -0.58, -0.48});
const Vec3 kHeartAcross = normalized({0.66, 0.75, 0.0});
const Vec3 kHeartUp = normalized({0.36, -0.317, 0.878});
constexpr Vec3 kHeartRadii{60, 44, 43};

}  // namespace

Anatomy make_anatomy(std::uint64_t seed, double field_of_view_mm) {
  Random random(seed, kAnatomyStream);
  Anatomy anatomy;
  anatomy.seed = seed;
  anatomy.female = random.chance(0.5);
  anatomy.contrast = random.chance(0.4);
  anatomy.fat = 13 + 4 * random.bell();
  anatomy.cage_a = 127 + 3.5 * random.bell();
  anatomy.cage_b = 91 + 3.5 * random.bell();
  anatomy.dome_top[0] = -10 + 7 * random.bell();
  anatomy.dome_top[1] = anatomy.dome_top[0] - random.uniform(6, 16);
  anatomy.heart_scale = random.uniform(0.92, 1.04);
  anatomy.heart_center = {random.uniform(17, 24), random.uniform(-30, -24),
                          anatomy.dome_top[0] + random.uniform(8, 16)};
  anatomy.spine_curve = 8 + 3 * random.bell();
  anatomy.gas_level = random.uniform(-58, -34);
  anatomy.stomach_fill = random.uniform(0.75, 1.1);
  anatomy.lung_value = -855 + 14 * random.bell();
  const double roll = degrees(2.2 * random.bell());
  anatomy.frame.cos_roll = portable_cos(roll);
  anatomy.frame.sin_roll = portable_sin(roll);
  anatomy.frame.scale = (anatomy.female ? 0.91 : 0.97) + 0.018 * random.bell();
  // A wide patient is still inside the field of view.
  const double half_width = anatomy.cage_a + 16 + anatomy.fat;
  anatomy.frame.scale = std::min(anatomy.frame.scale, (0.5 * field_of_view_mm - 7) / half_width);
  anatomy.frame.shift_mm = {2.5 * random.bell(), -4 + 2.5 * random.bell(), 3 * random.bell()};
  return anatomy;
}

HalfAxes cage_at(const Anatomy& anatomy, double z) {
  const double t = std::clamp(z / 165, 0.0, 1.0);
  const double waist = 1 - 0.06 * smooth_step(-60, -150, z);
  return {anatomy.cage_a * waist * std::sqrt(1 - 0.83 * t * t),
          anatomy.cage_b * waist * std::sqrt(1 - 0.58 * t * t), 9 * t};
}

double cage(const Anatomy& anatomy, Vec3 p) {
  const HalfAxes axes = cage_at(anatomy, p.z);
  return sd_torso(p.x, p.y - axes.center_y, axes.a, axes.b);
}

double body(const Anatomy& anatomy, Vec3 p) {
  const double waist = 1 - 0.05 * smooth_step(-50, -130, p.z);
  const double shoulder = smooth_step(70, 160, p.z);
  const double a = (anatomy.cage_a + 16) * waist + anatomy.fat + 6 * shoulder;
  const double b = (anatomy.cage_b + 17) * waist * (1 - 0.22 * shoulder) + 1.1 * anatomy.fat;
  double d = sd_torso(p.x, p.y - 7 - 6 * shoulder, a, b);
  if (p.y > 60) {  // the furrow over the spine
    const double furrow = std::max(0.0, 1 - std::abs(p.x) / 30);
    d += 7 * furrow * furrow;
  } else if (anatomy.female && p.y < -60) {
    for (int side : {kRight, kLeft}) {
      d = smooth_min(d, sd_ellipsoid(p, {side * 68.0, -98, 22}, {56, 38, 48}), 12);
    }
  }
  return d;
}

double dome(const Anatomy& anatomy, int side, Vec3 p) {
  const double top = anatomy.dome_top[side == kRight ? 0 : 1];
  return sd_ellipsoid(p, {side * 60.0, -10, top - 100}, {76, 90, 100});
}

double heart(const Anatomy& anatomy, Vec3 p, double grow) {
  const Vec3 q = p - anatomy.heart_center;
  const double s = anatomy.heart_scale;
  return sd_ellipsoid({dot(q, kHeartLong), dot(q, kHeartAcross), dot(q, kHeartUp)}, {0, 0, 0},
                      {kHeartRadii.x * s + grow, kHeartRadii.y * s + grow, kHeartRadii.z * s + grow});
}

Vec3 heart_axis_point(const Anatomy& anatomy, double along, double across, double up) {
  const Vec3 r = kHeartRadii * anatomy.heart_scale;
  return anatomy.heart_center + kHeartLong * (along * r.x) + kHeartAcross * (across * r.y) +
         kHeartUp * (up * r.z);
}

double spine_y(const Anatomy& anatomy, double z) {
  const double t = (z - 45) / 165;  // most to the back at mid-chest
  return 44 + anatomy.spine_curve * (1 - t * t);
}

double lung(const Anatomy& anatomy, int side, Vec3 p) {
  const double outward = side * p.x;
  const HalfAxes axes = cage_at(anatomy, p.z);
  double d = sd_torso(p.x, p.y - axes.center_y, axes.a - 8.5, axes.b - 8.5);
  if (d > 40 || outward < -5 || p.z < -130) return std::max({d, -outward, -130 - p.z, 20.0});
  const double from_axis_x = outward - 42, from_axis_y = p.y - 14;
  const double apex = p.z + 0.011 * (from_axis_x * from_axis_x + from_axis_y * from_axis_y) - 152;
  d = smooth_max(d, 0.75 * apex, 10);
  // The base: deeper at the back, above the dome of the diaphragm.
  d = std::max(d, 0.9 * (-72 - 0.38 * p.y - p.z));
  d = smooth_max(d, -dome(anatomy, side, p), 3);
  // The middle: mediastinum, spine and heart.
  const double wide = 33 - 8 * smooth_step(20, -20, p.z);
  d = smooth_max(d, -sd_ellipse(p.x, p.y + 6, wide, 62), 6);
  d = smooth_max(d, -sd_ellipse(p.x, p.y - spine_y(anatomy, p.z) - 4, 26, 25), 6);
  d = std::max(d, 7 - outward);
  return smooth_max(d, -heart(anatomy, p, 5), 5);
}

Box lung_box(int side) {
  return side == kRight ? Box{{-140, -105, -130}, {0, 110, 155}} : Box{{0, -105, -130}, {140, 110, 155}};
}

double liver(const Anatomy& anatomy, Vec3 p) {
  const double top = anatomy.dome_top[0];
  const double right = sd_ellipsoid(p, {-58, 0, top - 92}, {76, 86, 92});
  const double left = sd_ellipsoid(p, {12, -44, top - 62}, {66, 38, 36});
  double d = smooth_min(right, left, 20);
  const Vec3 from_hilum = p - Vec3{-42, 22, top - 124};
  d = smooth_max(d, dot(from_hilum, {0.566, 0.36, -0.742}), 14);  // the visceral surface
  d = std::max(d, std::min(dome(anatomy, kRight, p), dome(anatomy, kLeft, p)) + 2);
  return std::max(d, cage(anatomy, p) + 9);
}

Vec3 kidney_center(int side) {
  return {side * 57.0, 42, side == kRight ? -130.0 : -122.0};
}

double kidney(int side, Vec3 p) {
  const Vec3 q = p - kidney_center(side);
  // Upper poles lean to the spine.
  const Vec3 tilted{q.x + side * 0.25 * q.z, q.y + 0.12 * q.z, q.z};
  return smooth_max(sd_ellipsoid(tilted, {0, 0, 0}, {25, 27, 50}),
                    -sd_ellipsoid(tilted, {side * -21.0, -5, 0}, {14, 13, 17}), 6);
}

Tube aorta(const Anatomy& anatomy) {
  const double low = spine_y(anatomy, -110) - 30;
  const Vec3 root = heart_axis_point(anatomy, -0.35, -0.25, 0.7);
  return {{root, 15},
          {{-14, -30, 58}, 16},
          {{-13, -24, 78}, 15},
          {{-3, -10, 93}, 14},
          {{12, 8, 95}, 13},
          {{23, 24, 85}, 12.5},
          {{27, 32, 66}, 12},
          {{26, 34, 20}, 11.5},
          {{22, 34, -40}, 11},
          {{11, low + 4, -80}, 10},
          {{7, low, -110}, 9.5},
          {{5, low - 2, -150}, 9},
          {{5, low - 3, -215}, 9}};
}

}  // namespace pillar::phantom
