#include "phantom/skeleton.h"

#include <fmt/format.h>

namespace pillar::phantom {
namespace {

constexpr double kFirstVertebraZ = 152;

// On the rib cage at height z, at an angle from straight back (0) over the side (90) to the front (180).
Vec3 on_cage(const Anatomy& anatomy, int side, double angle, double z) {
  const HalfAxes axes = cage_at(anatomy, z);
  const double sine = portable_sin(degrees(angle)), cosine = portable_cos(degrees(angle));
  const double radius = torso_radius(sine, cosine, axes.a, axes.b);
  return {side * sine * radius, axes.center_y + cosine * radius, z};
}

double last_bony_angle(int number) {
  if (number == 12) return 75;
  if (number == 11) return 100;
  return number <= 3 ? 160 : 152 - 1.5 * (number - 3);
}

}  // namespace

std::vector<Vertebra> vertebrae(const Anatomy& anatomy) {
  std::vector<Vertebra> result;
  double z = kFirstVertebraZ;
  for (int i = 0; i < 17; ++i) {
    const bool lumbar = i >= 12;
    const double pitch = lumbar ? 29 + (i - 12) : 17.3 + 0.6 * i;
    result.push_back({lumbar ? fmt::format("L{}", i - 11) : fmt::format("T{}", i + 1),
                      {0, spine_y(anatomy, z), z},
                      0.5 * pitch * (lumbar ? 0.74 : 0.8),
                      lumbar ? 22.0 : 14 + 0.55 * i,
                      lumbar ? 16.5 : 12.5 + 0.3 * i});
    z -= pitch;
  }
  return result;
}

Rib rib(const Anatomy& anatomy, int side, int number) {
  const Vertebra vertebra = vertebrae(anatomy)[static_cast<std::size_t>(number - 1)];
  const double z = vertebra.center.z + 4;
  const double drop = number <= 10 ? 26 + 5.5 * number : 60;
  Rib result;
  result.points.push_back({side * (vertebra.half_width + 3), vertebra.center.y + 11, z + 2});
  result.points.push_back({side * (vertebra.half_width + 18), vertebra.center.y + 25, z});
  const double end = last_bony_angle(number);
  constexpr int kSteps = 13;
  for (int step = 0; step <= kSteps; ++step) {
    const double angle = mix(38, end, static_cast<double>(step) / kSteps);
    result.points.push_back(on_cage(anatomy, side, angle, z - drop * smooth_step(10, 165, angle)));
  }
  result.bone_end = static_cast<int>(result.points.size()) - 1;
  if (number <= 10) {  // cartilage runs to the sternum, for the lower ribs upwards
    const double join = std::max(107.0 - 15 * number, -30.0);
    const Vec3 last = result.points.back();
    const double angle = number <= 7 ? 172 : 160;
    result.points.push_back(on_cage(anatomy, side, mix(end, angle, 0.5), mix(last.z, join, 0.45)));
    result.points.push_back(on_cage(anatomy, side, angle, join));
  }
  return result;
}

Vec3 rib_point(const Rib& rib, double fraction) {
  const double at = clamp01(fraction) * rib.bone_end;
  const int index = std::min(static_cast<int>(at), rib.bone_end - 1);
  return mix(rib.points[static_cast<std::size_t>(index)], rib.points[static_cast<std::size_t>(index) + 1],
             at - index);
}

}  // namespace pillar::phantom
