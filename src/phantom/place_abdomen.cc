// Where findings of liver, aorta, spine and kidneys lie.
#include "phantom/scene.h"

namespace pillar::phantom {

void place_hepatic(Placing& placing) {
  Scene& scene = placing.scene;
  Random& random = placing.random;
  const Anatomy& anatomy = scene.anatomy;
  double radius = 0.5 * std::max(random.uniform(14, 38) / anatomy.frame.scale, 2.4 * placing.spacing);
  for (int attempt = 0;; ++attempt) {
    if (attempt % 400 == 399) radius = std::max(0.85 * radius, 4.0);
    const double top = anatomy.dome_top[0];
    const Vec3 p{random.uniform(-125, 70), random.uniform(-80, 75), random.uniform(top - 150, top)};
    const Vec3 gallbladder{-46, -44, top - 122};
    if (liver(anatomy, p) > -(radius + 3) || length(p - gallbladder) < radius + 26) continue;
    if (kidney(kRight, p) < radius + 8) continue;
    scene.hepatic = {{p, radius}};
    placing.state(FindingKind::hepatic_lesion, p, 2 * radius, p.x < -8 ? "right" : "left",
                  p.x < -8 ? "right hepatic lobe" : "left hepatic lobe");
    return;
  }
}

void place_aneurysm(Placing& placing) {
  const Tube course = aorta(placing.scene.anatomy);
  const double radius = std::max(placing.random.uniform(20, 29), 1.5 * placing.spacing);
  const double z = placing.random.uniform(-146, -132);
  // The spine is behind: it grows forwards and to the left.
  const Vec3 axis = course[course.size() - 3].center;
  const Vec3 center{axis.x + 5, axis.y + 9 - radius, z};
  placing.scene.aneurysm = Bulge{center, radius, placing.random.uniform(30, 42)};
  placing.state(FindingKind::aortic_aneurysm, center, 2 * radius, "", "infrarenal abdominal aorta");
}

void place_collapse(Placing& placing) {
  const Scene& scene = placing.scene;
  // T6 to L2, often where the thoracic spine meets the lumbar.
  const int index = placing.random.chance(0.6) ? 10 + placing.random.below(4) : 5 + placing.random.below(5);
  placing.scene.collapse = Collapse{index, placing.random.uniform(0.48, 0.62)};
  const Vertebra& vertebra = scene.spine[static_cast<std::size_t>(index)];
  placing.state(FindingKind::vertebral_fracture, vertebra.center, 2 * vertebra.half_width, "", vertebra.name);
}

void place_stone(Placing& placing) {
  const int side = placing.random.sign();
  const double radius = std::max(0.5 * placing.random.uniform(6, 13), 0.7 * placing.spacing);
  const Vec3 center =
      kidney_center(side) + Vec3{side * placing.random.uniform(-9.0, -2.0), placing.random.uniform(-3, 5),
                                 placing.random.uniform(-20, 20)};
  placing.scene.stone = Ball{center, radius};
  placing.state(FindingKind::kidney_stone, center, 2 * radius, side_name(side), "");
}

}  // namespace pillar::phantom
