#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

void place(FindingKind kind, Placing placing) {
  switch (kind) {
    case FindingKind::lung_nodule:
      return place_nodule(placing);
    case FindingKind::pleural_effusion:
      return place_effusion(placing);
    case FindingKind::coronary_calcification:
      return place_coronary(placing);
    case FindingKind::rib_fracture:
      return place_rib_gap(placing);
    case FindingKind::hepatic_lesion:
      return place_hepatic(placing);
    case FindingKind::cardiomegaly:
      return place_cardiomegaly(placing);
    case FindingKind::pneumothorax:
      return place_pneumothorax(placing);
    case FindingKind::aortic_aneurysm:
      return place_aneurysm(placing);
    case FindingKind::vertebral_fracture:
      return place_collapse(placing);
    case FindingKind::kidney_stone:
      return place_stone(placing);
  }
}

// What changes the room that others have comes first: a large heart, then pleural spaces, then the rest.
int turn(FindingKind kind) {
  switch (kind) {
    case FindingKind::cardiomegaly:
      return 0;
    case FindingKind::pleural_effusion:
    case FindingKind::pneumothorax:
      return 1;
    default:
      return 2;
  }
}

}  // namespace

const char* side_name(int side) {
  return side == kRight ? "right" : "left";
}

void Placing::state(FindingKind kind, Vec3 center, double size, const char* side,
                    const std::string& site) const {
  const Frame& frame = scene.anatomy.frame;
  const Vec3 world = frame.to_world(center);
  scene.findings.push_back({kind, {world.x, world.y, world.z}, size * frame.scale, side, site});
}

Scene make_scene(std::uint64_t seed, const PhantomOptions& options, const std::vector<FindingKind>& kinds) {
  check_phantom_options(options);
  Scene scene;
  scene.anatomy = make_anatomy(seed, options.field_of_view_mm);
  scene.spine = vertebrae(scene.anatomy);
  const double spacing =
      options.field_of_view_mm / static_cast<double>(options.size) / scene.anatomy.frame.scale;
  for (int round = 0; round < 3; ++round) {
    for (FindingKind kind : kinds) {
      if (turn(kind) != round) continue;
      place(kind, {scene, Random(seed, kFindingStream + 100 + static_cast<std::uint64_t>(kind)), spacing});
    }
  }
  std::sort(scene.findings.begin(), scene.findings.end(),
            [](const Finding& a, const Finding& b) { return a.kind < b.kind; });
  return scene;
}

Scene make_scene(std::uint64_t seed, const PhantomOptions& options) {
  check_phantom_options(options);
  Random random(seed, kFindingStream);
  std::vector<FindingKind> kinds;
  for (FindingKind kind : all_findings()) {
    if (random.chance(options.finding_probability)) kinds.push_back(kind);
  }
  return make_scene(seed, options, kinds);
}

}  // namespace pillar::phantom
