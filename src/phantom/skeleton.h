// Internal: where the bones are.
#pragma once

#include "phantom/anatomy.h"

#include <array>
#include <string>

namespace pillar::phantom {

constexpr int kRibs = 12;

struct Vertebra {
  std::string name;  // "T1" ... "L4"
  Vec3 center;       // of the body
  double half_height, half_width, half_depth;
};

std::vector<Vertebra> vertebrae(const Anatomy& anatomy);  // from the head down: the first twelve are thoracic

struct Rib {
  std::vector<Vec3> points;  // from the spine to the front
  int bone_end = 0;          // index of the last bony point; cartilage follows
};
Rib rib(const Anatomy& anatomy, int side, int number);  // number 1 to 12

// A point of a rib's line at a fraction of its bony length in points.
Vec3 rib_point(const Rib& rib, double fraction);

}  // namespace pillar::phantom
