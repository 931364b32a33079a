// Liver, gall bladder, spleen, kidneys, pancreas, stomach, psoas.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

double under_left_dome(const Anatomy& anatomy, Vec3 p) {
  return std::max(dome(anatomy, kLeft, p) + 3, cage(anatomy, p) + 10);
}

void paint_liver(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const double top = anatomy.dome_top[0];
  painter.canvas.fill({{-135, -100, -190}, {90, 100, 20}}, palette.liver,
                      [&](Vec3 p) { return liver(anatomy, p); });
  // Portal vein and its branches, hepatic veins: darker than liver without contrast agent, brighter with it.
  const auto vein = [&](const Tube& tube) { paint_tube(painter, tube, palette.blood); };
  const Vec3 porta{-34, 6, top - 98};
  vein({{{4, -4, top - 112}, 6.5},
        {porta, 6.5},
        {{-58, 4, top - 88}, 4.5},
        {{-84, 22, top - 84}, 3},
        {{-100, 30, top - 70}, 2}});
  vein({{{-58, 4, top - 88}, 4}, {{-80, -24, top - 76}, 3}, {{-94, -36, top - 62}, 2}});
  vein({{porta, 5}, {{-10, -34, top - 74}, 4}, {{22, -50, top - 66}, 2.5}});
  const Vec3 cava{-21, 14, top - 46};
  vein({{cava, 5.5}, {{-56, 20, top - 48}, 4.5}, {{-88, 26, top - 60}, 2.8}});
  vein({{cava, 5}, {{-44, -18, top - 52}, 4}, {{-62, -46, top - 70}, 2.5}});
  vein({{cava, 4.5}, {{0, -26, top - 50}, 3.2}, {{24, -44, top - 54}, 2.2}});
  const Vec3 bladder{-46, -44, top - 122};
  painter.canvas.fill(box_around(bladder, Vec3{16, 20, 24}), palette.bowel_wall, [&](Vec3 p) {
    return sd_ellipsoid(p, bladder, {14.5, 19, 22});
  });
  painter.canvas.fill(box_around(bladder, Vec3{16, 20, 24}), palette.bile, [&](Vec3 p) {
    return sd_ellipsoid(p, bladder, {12.5, 17, 20});
  });
}

void paint_kidneys(const Painter& painter) {
  const Palette& palette = painter.palette;
  for (int side : {kRight, kLeft}) {
    const Vec3 center = kidney_center(side);
    const Box box = box_around(center, Vec3{52, 42, 60});
    painter.canvas.fill(box, palette.fat, [&](Vec3 p) {  // the capsule of fat keeps liver and spleen away
      return std::max(kidney(side, p) - 5, painter.scene.anatomy.cage_b * -1);
    });
    painter.canvas.paint(
        box, [&](Vec3 p) { return kidney(side, p); },
        [&](Vec3 p, double d) {
          const double pyramids = 0.5 + 0.5 * portable_sin(0.42 * p.z) * portable_sin(0.35 * (p.y + p.x));
          return mix(palette.kidney_cortex, palette.kidney_medulla, smooth_step(-6, -9, d) * pyramids);
        });
    const Vec3 pelvis = center + Vec3{side * -13.0, -3, -2};
    painter.canvas.fill(box_around(pelvis, Vec3{12, 10, 20}), palette.fat, [&](Vec3 p) {
      return sd_ellipsoid(p, pelvis, {11, 8.5, 19});
    });
    painter.canvas.fill(box_around(pelvis, Vec3{8, 6, 12}), palette.fluid, [&](Vec3 p) {
      return sd_ellipsoid(p, pelvis, {6, 4.5, 10});
    });
    const Vec3 ureter_end{side * 30.0, spine_y(painter.scene.anatomy, -190) - 18, -215};
    paint_tube(painter, {{pelvis, 3}, {pelvis + Vec3{side * -12.0, -4, -25}, 2.6}, {ureter_end, 2.4}},
               palette.fluid);
  }
}

void paint_stomach(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const double fill = anatomy.stomach_fill, top = anatomy.dome_top[1];
  const auto stomach = [&](Vec3 p) {
    const double fundus = sd_ellipsoid(p, {54, -8, top - 38}, {34 * fill, 36 * fill, 34});
    const double corpus = sd_ellipsoid(p, {56, -44, top - 72}, {34 * fill, 26 * fill, 46});
    const double antrum = sd_cone(p, {46, -56, top - 108}, {-4, -48, top - 112}, 19 * fill, 13);
    const double d = smooth_min(smooth_min(fundus, corpus, 16), antrum, 14);
    return smooth_max(d, under_left_dome(anatomy, p), 4);
  };
  painter.canvas.paint({{-30, -105, -170}, {110, 50, 0}}, stomach, [&](Vec3 p, double d) {
    const double content =
        mix(palette.air, palette.bowel_content, smooth_step(-1.5, 1.5, p.y - anatomy.gas_level));
    return mix(palette.bowel_wall, content, smooth_step(-2.5, -4.5, d));
  });
}

}  // namespace

void paint_abdomen(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  const Palette& palette = painter.palette;
  const double left_top = anatomy.dome_top[1];
  for (int side : {kRight, kLeft}) {  // psoas, crus
    paint_tube(painter,
               {{{side * 25.0, spine_y(anatomy, -90), -90}, 7},
                {{side * 34.0, spine_y(anatomy, -130) + 2, -130}, 13},
                {{side * 44.0, spine_y(anatomy, -190) - 2, -215}, 21}},
               palette.muscle);
    paint_tube(painter, {{{side * 12.0, 12, -50}, 5}, {{side * 14.0, spine_y(anatomy, -120) - 14, -135}, 4}},
               palette.muscle);
  }
  paint_liver(painter);
  paint_stomach(painter);
  const Vec3 spleen{86, 38, left_top - 62};
  painter.canvas.fill(box_around(spleen, Vec3{34, 54, 54}), palette.spleen, [&](Vec3 p) {
    const Vec3 tilted = p - spleen;
    const double convex =
        sd_ellipsoid({tilted.x + 0.2 * tilted.y, tilted.y, tilted.z}, {0, 0, 0}, {28, 46, 46});
    const double hollow = sd_ellipsoid(p, spleen + Vec3{-40, -18, -4}, {30, 40, 60});
    return std::max(smooth_max(convex, -hollow, 6), under_left_dome(anatomy, p));
  });
  paint_tube(painter, {{{-32, -6, -126}, 13}, {{-8, -14, -114}, 9}, {{24, -4, -104}, 9}, {{58, 22, -96}, 8}},
             palette.pancreas);
  paint_tube(painter, {{{-6, -10, -116}, 5}, {{24, 4, -102}, 4}, {{66, 28, -92}, 3.5}},
             palette.blood);          // splenic vein
  for (int side : {kRight, kLeft}) {  // adrenals: a small lambda each
    const Vec3 apex{side * 32.0, 30, -82};
    paint_tube(painter, {{apex, 3}, {apex + Vec3{side * 8.0, 14, -12}, 2.6}}, palette.muscle);
    paint_tube(painter, {{apex, 3}, {apex + Vec3{side * -1.0, 16, -12}, 2.6}}, palette.muscle);
  }
  paint_kidneys(painter);
}

}  // namespace pillar::phantom
