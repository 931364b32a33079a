// Findings that are laid over the finished anatomy. Cardiomegaly and a collapsed vertebra are part of the
// anatomy itself.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

double united(const std::vector<Ball>& balls, Vec3 p) {
  double d = kFar;
  for (const Ball& ball : balls) d = std::min(d, sd_sphere(p, ball.center, ball.radius));
  return d;
}

void paint_balls(const Painter& painter, const std::vector<Ball>& balls, float value) {
  if (balls.empty()) return;
  Box box = box_around(balls.front().center, balls.front().radius);
  for (const Ball& ball : balls) {
    const Box other = box_around(ball.center, ball.radius);
    box = box_of({std::min(box.low.x, other.low.x), std::min(box.low.y, other.low.y),
                  std::min(box.low.z, other.low.z)},
                 {std::max(box.high.x, other.high.x), std::max(box.high.y, other.high.y),
                  std::max(box.high.z, other.high.z)},
                 0);
  }
  painter.canvas.fill(box, value, [&](Vec3 p) { return united(balls, p); });
}

void paint_effusion(const Painter& painter) {
  const Scene& scene = painter.scene;
  if (!scene.effusion) return;
  const Palette& palette = painter.palette;
  const Box box = lung_box(scene.effusion->side);
  // Lung that floats on fluid is pressed airless where they touch.
  const float edge = static_cast<float>(mix(palette.lung_dense, palette.collapsed_lung, 0.75));
  painter.canvas.paint(
      box,
      [&](Vec3 p) { return std::max(effusion(scene, p) - 7, lung(scene.anatomy, scene.effusion->side, p)); },
      [&](Vec3, double) { return edge; });
  painter.canvas.fill(box, palette.effusion, [&](Vec3 p) { return effusion(scene, p); });
}

void paint_pneumothorax(const Painter& painter) {
  const Scene& scene = painter.scene;
  if (!scene.pneumothorax) return;
  const Box box = lung_box(scene.pneumothorax->side);
  // The visceral pleura shows as a line between air and lung.
  const float line = static_cast<float>(mix(painter.palette.lung_dense, painter.palette.muscle, 0.35));
  painter.canvas.fill(box, line, [&](Vec3 p) {
    return std::max(pneumothorax(scene, p) - 1.5, lung(scene.anatomy, scene.pneumothorax->side, p));
  });
  painter.canvas.fill(box, painter.palette.air, [&](Vec3 p) { return pneumothorax(scene, p); });
}

void paint_hepatic(const Painter& painter) {
  if (painter.scene.hepatic.empty()) return;
  const Ball& ball = painter.scene.hepatic.front();
  painter.canvas.fill(box_around(ball.center, ball.radius), painter.palette.lesion, [&](Vec3 p) {
    const double ripple = 0.05 * ball.radius * portable_sin(0.35 * p.x) * portable_sin(0.4 * p.y + 0.3 * p.z);
    return sd_sphere(p, ball.center, 0.96 * ball.radius) + ripple;
  });
}

void paint_aneurysm(const Painter& painter) {
  if (!painter.scene.aneurysm) return;
  const Palette& palette = painter.palette;
  const Bulge& bulge = *painter.scene.aneurysm;
  const Vec3 radii{bulge.radius, bulge.radius, bulge.half_length};
  const Box box = box_around(bulge.center, radii);
  painter.canvas.paint(
      box, [&](Vec3 p) { return sd_ellipsoid(p, bulge.center, radii); },
      [&](Vec3 p, double d) {  // here and there the wall is calcified
        const double plaque = portable_sin(0.13 * p.x + 0.21 * p.z) * portable_sin(0.17 * p.y);
        return plaque > 0.55 && d > -2 ? palette.cortical_bone : palette.thrombus;
      });
  const Vec3 lumen = bulge.center + Vec3{-2, 0.25 * bulge.radius, 0};
  painter.canvas.fill(box, palette.artery, [&](Vec3 p) { return sd_ellipsoid(p, lumen, radii * 0.62); });
}

void paint_rib_gap(const Painter& painter) {
  if (!painter.scene.rib_gap) return;
  const RibGap& gap = *painter.scene.rib_gap;
  const Vec3 center = rib_point(rib(painter.scene.anatomy, gap.side, gap.number), gap.fraction);
  // Blood between the ends.
  painter.canvas.fill(box_around(center, gap.half_gap), painter.palette.hematoma,
                      [&](Vec3 p) { return sd_sphere(p, center, gap.half_gap); });
}

}  // namespace

void paint_findings(const Painter& painter) {
  const Scene& scene = painter.scene;
  paint_effusion(painter);
  paint_pneumothorax(painter);
  paint_balls(painter, scene.nodule, painter.palette.nodule);
  paint_balls(painter, scene.coronary, painter.palette.calcification);
  paint_rib_gap(painter);
  paint_hepatic(painter);
  paint_aneurysm(painter);
  if (scene.stone) paint_balls(painter, {*scene.stone}, painter.palette.stone);
}

}  // namespace pillar::phantom
