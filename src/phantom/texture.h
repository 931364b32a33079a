// Internal: smooth random fields, for what is not uniform inside an organ.
#pragma once

#include "phantom/random.h"
#include "phantom/vec3.h"

#include <cmath>
#include <cstdint>

namespace pillar::phantom {

// In [0, 1], with blobs about `cell_mm` wide: hashed lattice points, blended.
inline double value_noise(Vec3 p, double cell_mm, std::uint64_t key) {
  const Vec3 q = p * (1 / cell_mm);
  const double fx = std::floor(q.x), fy = std::floor(q.y), fz = std::floor(q.z);
  const auto ease = [](double t) { return t * t * (3 - 2 * t); };
  const double tx = ease(q.x - fx), ty = ease(q.y - fy), tz = ease(q.z - fz);
  const auto corner = [&](int dx, int dy, int dz) {
    const auto x = static_cast<std::uint64_t>(static_cast<std::int64_t>(fx) + dx);
    const auto y = static_cast<std::uint64_t>(static_cast<std::int64_t>(fy) + dy);
    const auto z = static_cast<std::uint64_t>(static_cast<std::int64_t>(fz) + dz);
    return static_cast<double>(hash64(key ^ (x * 0x8CB92BA72F3D8DD7u) ^ (y * 0xD6E8FEB86659FD93u) ^
                                      (z * 0xA0761D6478BD642Fu)) >>
                               40) *
           0x1p-24;
  };
  const auto edge = [&](int dy, int dz) { return mix(corner(0, dy, dz), corner(1, dy, dz), tx); };
  return mix(mix(edge(0, 0), edge(1, 0), ty), mix(edge(0, 1), edge(1, 1), ty), tz);
}

}  // namespace pillar::phantom
