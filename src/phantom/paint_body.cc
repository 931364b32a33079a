// Table, skin, fat, muscle.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

float mix_fat(const Painter& painter) {
  return static_cast<float>(mix(painter.palette.fat, painter.palette.muscle, 0.25));
}

// Fills the muscles that lie outside the rib cage, and the breasts.
void paint_muscles(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const float muscle = painter.palette.muscle;
  for (int side : {kRight, kLeft}) {
    for (double offset : {26.0, 47.0}) {  // erector spinae: two columns each side
      painter.canvas.fill({{side * offset - 20, 40, -kFar}, {side * offset + 20, 120, kFar}}, muscle,
                          [&](Vec3 p) {
                            const double y = spine_y(anatomy, p.z) + (offset < 30 ? 36 : 34);
                            return sd_ellipse(p.x - side * offset, p.y - y, 13, offset < 30 ? 14 : 12);
                          });
    }
    // Pectoral muscle: a sheet on the cage's upper front that thins out to all sides.
    painter.canvas.fill({{-150, -125, -10}, {150, 10, 165}}, muscle, [&](Vec3 p) {
      const double full = smooth_step(4, 40, side * p.x) * smooth_step(5, -45, p.y) * smooth_step(5, 60, p.z);
      return std::max(std::abs(cage(anatomy, p) - 9 - 8 * full) - 8.5 * full + 1.5, 5 - side * p.x);
    });
    // Latissimus, and higher up the muscles about the shoulder blade.
    painter.canvas.fill({{-170, -60, -130}, {170, 125, 190}}, muscle, [&](Vec3 p) {
      const double bulk = 6 + 13 * smooth_step(5, 75, p.z);
      const double full =
          smooth_step(38, 75, side * p.x) * smooth_step(-45, 5, p.y) * smooth_step(-110, -20, p.z);
      return std::max(std::abs(cage(anatomy, p) - 10 - bulk * full) - bulk * full + 1.5,
                      body(anatomy, p) + 0.75 * anatomy.fat);
    });
    // Planes of fat among them.
    painter.canvas.fill({{-170, 0, 40}, {170, 125, 190}}, mix_fat(painter), [&](Vec3 p) {
      return std::max(
          {std::abs(cage(anatomy, p) - 29) - 1.2, 50 - side * p.x, body(anatomy, p) + anatomy.fat});
    });
  }
}

void paint_breasts(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  if (!anatomy.female) return;
  for (int side : {kRight, kLeft}) {
    const Vec3 center{side * 66.0, -112, 20};
    painter.canvas.paint(
        box_around(center, Vec3{40, 30, 36}),
        [&](Vec3 p) {
          return std::max(sd_ellipsoid(p, center, {36, 24, 32}), body(anatomy, p) + 9);
        },
        [&](Vec3 p, double) {  // strands of gland in fat
          const double strand = value_noise(p, 11, anatomy.seed + 1);
          return mix(painter.palette.fat, painter.palette.gland, smooth_step(0.3, 0.6, strand));
        });
  }
}

}  // namespace

void paint_table(const Painter& painter) {
  // A cradle that is curved about a line high over the patient. Patients lie on it: just behind the skin.
  const Anatomy& anatomy = painter.scene.anatomy;
  const double back = 7 + (anatomy.cage_b + 17) + 1.1 * anatomy.fat + 3;
  const Vec3 axis{0, back - 420, 0};
  const auto cradle = [&](Vec3 p) {
    const double r = std::sqrt((p.x - axis.x) * (p.x - axis.x) + (p.y - axis.y) * (p.y - axis.y));
    return std::max({std::abs(r - 432) - 11, std::abs(p.x) - 205, axis.y - p.y});
  };
  const Box box{{-kFar, back - 60, -kFar}, {kFar, back + 30, kFar}};
  painter.canvas.fill(box, painter.palette.table_shell, cradle);
  painter.canvas.fill(box, painter.palette.table_core, [&](Vec3 p) { return cradle(p) + 3; });
}

void paint_body(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const Box box{{-200, -170, -kFar}, {200, 160, kFar}};
  // Skin and fat in one pass, then the wall of muscle, then the fat of the cavities.
  painter.canvas.paint(
      box, [&](Vec3 p) { return body(anatomy, p); },
      [&](Vec3, double d) { return mix(palette.skin, palette.fat, smooth_step(-1.2, -2.8, d)); });
  painter.canvas.fill(box, palette.muscle, [&](Vec3 p) {
    const double wall = 8 - 4 * smooth_step(-60, -130, p.z);
    return std::max(cage(anatomy, p) - wall, body(anatomy, p) + 0.6 * anatomy.fat);
  });
  paint_muscles(painter);
  paint_breasts(painter);
  painter.canvas.fill({{-150, -110, -kFar}, {150, 110, kFar}}, palette.fat,
                      [&](Vec3 p) { return cage(anatomy, p) + 8 + (p.z > 140 ? 0.6 * (p.z - 140) : 0.0); });
}

}  // namespace pillar::phantom
