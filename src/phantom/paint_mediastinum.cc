// Heart and great vessels, oesophagus.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

void paint_heart(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const double reach = 72 * anatomy.heart_scale + 12;
  const Box box = box_around(anatomy.heart_center, reach);
  painter.canvas.fill(box, palette.fat, [&](Vec3 p) { return heart(anatomy, p, 4); });
  painter.canvas.fill(box, palette.myocardium, [&](Vec3 p) { return heart(anatomy, p, -1); });
  const auto chamber = [&](double along, double across, double up, Vec3 radii, float value) {
    const Vec3 center = heart_axis_point(anatomy, along, across, up);
    radii = radii * anatomy.heart_scale;
    painter.canvas.fill(box_around(center, radii), value, [&](Vec3 p) {
      return std::max(sd_ellipsoid(p, center, radii), heart(anatomy, p, -3));
    });
  };
  chamber(0.22, 0.32, 0.05, {25, 23, 25}, palette.artery);   // left ventricle
  chamber(0.30, -0.46, -0.02, {27, 19, 30}, palette.blood);  // right ventricle
  chamber(-0.52, 0.40, 0.10, {24, 18, 20}, palette.artery);  // left atrium
  chamber(-0.62, -0.42, 0.0, {20, 24, 27}, palette.blood);   // right atrium
}

void paint_great_vessels(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const Vec3 outflow = heart_axis_point(anatomy, -0.1, -0.55, 0.75);
  paint_tube(painter, {{outflow, 14}, {{16, -30, 46}, 13}, {{20, -10, 56}, 12}},
             palette.blood);  // pulmonary trunk
  paint_tube(painter, {{{18, -12, 54}, 11}, {{-8, -4, 48}, 10}, {{-38, 8, 44}, 8.5}}, palette.blood);
  paint_tube(painter, {{{20, -12, 56}, 11}, {{32, 4, 58}, 9.5}, {{40, 14, 50}, 8}}, palette.blood);
  const Vec3 right_atrium = heart_axis_point(anatomy, -0.66, -0.4, 0.45);
  paint_tube(painter, {{{-24, -14, 112}, 7}, {{-25, -16, 80}, 9}, {right_atrium, 9.5}},
             palette.blood);  // superior vena cava
  paint_tube(painter, {{{-24, -14, 112}, 7}, {{-32, -8, 140}, 6}, {{-38, -2, 175}, 6}}, palette.blood);
  paint_tube(painter, {{{-24, -14, 110}, 7}, {{6, -22, 120}, 6.5}, {{32, -8, 142}, 6}, {{38, -2, 175}, 6}},
             palette.blood);
  paint_tube(painter, aorta(anatomy), palette.artery);
  paint_tube(painter, {{{-8, -16, 92}, 6.5}, {{-14, -6, 128}, 6}, {{-26, 2, 175}, 5}}, palette.artery);
  paint_tube(painter, {{{2, -4, 96}, 4.5}, {{10, 0, 130}, 4}, {{22, 4, 175}, 4}}, palette.artery);
  paint_tube(painter, {{{12, 8, 96}, 5}, {{22, 8, 128}, 5}, {{46, 8, 150}, 5}}, palette.artery);
  const double low = spine_y(anatomy, -130) - 24;
  const Vec3 entry = heart_axis_point(anatomy, -0.7, -0.1, -0.55);
  paint_tube(painter,
             {{entry, 11},
              {{-22, 12, anatomy.dome_top[0] - 45}, 11.5},
              {{-20, low, -110}, 11},
              {{-18, low, -215}, 10}},
             palette.blood);  // inferior vena cava
}

}  // namespace

void paint_tube(const Painter& painter, const Tube& tube, float value) {
  for (std::size_t i = 0; i + 1 < tube.size(); ++i) {
    const TubePoint &a = tube[i], &b = tube[i + 1];
    painter.canvas.fill(box_of(a.center, b.center, std::max(a.radius, b.radius)), value,
                        [&](Vec3 p) { return sd_cone(p, a.center, b.center, a.radius, b.radius); });
  }
}

void paint_mediastinum(const Painter& painter) {
  const Palette& palette = painter.palette;
  paint_tube(painter,
             {{{3, 30, 200}, 7}, {{4, 32, 100}, 8}, {{8, 33, 20}, 8}, {{14, 24, -45}, 8}, {{28, 4, -70}, 9}},
             palette.muscle);
  paint_tube(painter, {{{3, 29, 165}, 2.4}, {{4, 31, 120}, 2.2}},
             palette.air);  // a sip of air in the oesophagus
  paint_heart(painter);
  paint_great_vessels(painter);
}

}  // namespace pillar::phantom
