// Colon with gas and stool, loops of small bowel, vessels of the mesentery.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

// A segment of colon: haustra wave along it, gas rises to the front.
void paint_colon_segment(const Painter& painter, const TubePoint& a, const TubePoint& b, double gas) {
  const Palette& palette = painter.palette;
  const double span = length(b.center - a.center);
  const auto wall = [&](Vec3 p) {
    const double along = along_segment(p, a.center, b.center);
    return sd_cone(p, a.center, b.center, a.radius, b.radius) + 1.8 * portable_sin(0.30 * along * span) + 1.2;
  };
  painter.canvas.paint(
      box_of(a.center, b.center, std::max(a.radius, b.radius) + 1), wall, [&](Vec3 p, double d) {
        const Vec3 middle = mix(a.center, b.center, along_segment(p, a.center, b.center));
        const double crumbs = smooth_step(0.25, 0.75, value_noise(p, 5, painter.scene.anatomy.seed));
        const double stool = mix(palette.stool, palette.bowel_content, crumbs);
        const double content = mix(palette.air, stool, smooth_step(-1.5, 1.5, p.y - middle.y - gas));
        return mix(palette.bowel_wall, content, smooth_step(-1.2, -3.2, d));
      });
}

void paint_colon(const Painter& painter, Random& random) {
  const double z = painter.scene.anatomy.dome_top[0];
  const Tube colon = {{{-86, 16, -225}, 19},     {{-84, 12, -176}, 19},    {{-74, -28, z - 138}, 17},
                      {{-40, -62, z - 146}, 16}, {{12, -68, z - 148}, 16}, {{60, -56, z - 134}, 16},
                      {{90, -14, z - 104}, 15},  {{94, 18, -150}, 14},     {{92, 20, -225}, 14}};
  for (std::size_t i = 0; i + 1 < colon.size(); ++i) {
    paint_colon_segment(painter, colon[i], colon[i + 1], random.uniform(-13, 3));
  }
}

void paint_small_bowel(const Painter& painter, Random& random) {
  const Palette& palette = painter.palette;
  Vec3 at{random.uniform(-30, 30), random.uniform(-50, -20), -150};
  for (int loop = 0; loop < 34; ++loop) {
    const Vec3 next{random.uniform(-58, 66), random.uniform(-62, 4), random.uniform(-215, -142)};
    const Vec3 end = mix(at, next, std::min(1.0, 46 / std::max(length(next - at), 1.0)));
    const double radius = random.uniform(8.5, 12);
    const bool gas = random.chance(0.12);
    painter.canvas.paint(
        box_of(at, end, radius), [&](Vec3 p) { return sd_cone(p, at, end, radius, radius); },
        [&](Vec3 p, double d) {
          const double content = gas && p.y < mix(at, end, along_segment(p, at, end)).y - 2
                                     ? palette.air
                                     : palette.bowel_content;
          return mix(palette.bowel_wall, content, smooth_step(-1.5, -3.5, d));
        });
    at = end;
  }
}

}  // namespace

void paint_bowel(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  Random random(anatomy.seed, kBowelStream);
  const double front = spine_y(anatomy, -130) - 44;
  paint_tube(painter, {{{2, front + 10, -112}, 4}, {{-2, front - 2, -140}, 4}, {{-8, front - 8, -215}, 3.5}},
             painter.palette.artery);
  paint_tube(painter,
             {{{-10, front + 6, -114}, 5.5}, {{-14, front - 4, -140}, 5}, {{-18, front - 10, -215}, 4.5}},
             painter.palette.blood);
  paint_small_bowel(painter, random);
  paint_colon(painter, random);
}

}  // namespace pillar::phantom
