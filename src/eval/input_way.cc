#include "eval/input_way.h"

#include <cmath>

namespace pillar {

double InputWay::volume() const {
  const auto& [a, b, c] = along;
  return std::abs(a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) +
                  a[2] * (b[0] * c[1] - b[1] * c[0]));
}

InputWay input_way(const Placement& placement, const Geometry& grid) {
  InputWay way;
  way.first = from_patient(placement, grid.point({0, 0, 0}));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::array<double, 3> next_ijk = {0, 0, 0};
    next_ijk[2 - axis] = 1;
    way.along[axis] = from_patient(placement, grid.point(next_ijk));
    for (std::size_t i = 0; i < 3; ++i) way.along[axis][i] -= way.first[i];
  }
  return way;
}

}  // namespace pillar
