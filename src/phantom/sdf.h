// Internal: signed distances in millimetres, negative inside. Approximate ones are right in sign and near the
// surface.
#pragma once

#include "phantom/vec3.h"

#include <algorithm>
#include <cmath>

namespace pillar::phantom {

inline double sd_sphere(Vec3 p, Vec3 center, double radius) {
  return length(p - center) - radius;
}

inline double sd_ellipsoid(Vec3 p, Vec3 center, Vec3 radii) {
  const Vec3 q = p - center;
  const Vec3 a{q.x / radii.x, q.y / radii.y, q.z / radii.z};
  const double k0 = length(a);
  if (k0 < 1e-9) return -std::min({radii.x, radii.y, radii.z});
  const double k1 = length({a.x / radii.x, a.y / radii.y, a.z / radii.z});
  return k0 * (k0 - 1) / k1;
}

// Where along a-b the point is nearest: 0 at a, 1 at b.
inline double along_segment(Vec3 p, Vec3 a, Vec3 b) {
  const Vec3 ab = b - a;
  return clamp01(dot(p - a, ab) / std::max(dot(ab, ab), 1e-12));
}

// A tube whose radius goes from ra at a to rb at b, with round ends.
inline double sd_cone(Vec3 p, Vec3 a, Vec3 b, double ra, double rb) {
  const double t = along_segment(p, a, b);
  return length(p - mix(a, b, t)) - mix(ra, rb, t);
}

inline double sd_round_box(Vec3 p, Vec3 center, Vec3 half, double rounding) {
  const Vec3 q{std::abs(p.x - center.x) - half.x + rounding, std::abs(p.y - center.y) - half.y + rounding,
               std::abs(p.z - center.z) - half.z + rounding};
  const Vec3 outside{std::max(q.x, 0.0), std::max(q.y, 0.0), std::max(q.z, 0.0)};
  return length(outside) + std::min(std::max({q.x, q.y, q.z}), 0.0) - rounding;
}

// A cross-section half way between an ellipse and |x/a|^3 + |y/b|^3 = 1: fuller than the one and rounder than
// the other, as a torso is.
inline double sd_torso(double x, double y, double a, double b) {
  const double u = std::abs(x) / a, v = std::abs(y) / b;
  const double f = 0.5 * (u * u * (1 + u) + v * v * (1 + v)) - 1;
  const double du = u * (1 + 1.5 * u) / a, dv = v * (1 + 1.5 * v) / b;
  return f / std::max(std::sqrt(du * du + dv * dv), 1.2 / std::max(a, b));
}

// How far from the centre that cross-section lies in the direction (x, y).
inline double torso_radius(double x, double y, double a, double b) {
  const double u = std::abs(x) / a, v = std::abs(y) / b;
  const double squares = u * u + v * v, cubes = u * u * u + v * v * v;
  double r = 1 / std::sqrt(squares);
  for (int step = 0; step < 8; ++step) {
    r -= (0.5 * r * r * (squares + cubes * r) - 1) / (r * (squares + 1.5 * cubes * r));
  }
  return r;
}

inline double sd_ellipse(double x, double y, double a, double b) {
  return sd_ellipsoid({x, y, 0}, {0, 0, 0}, {a, b, 1});
}

// Union whose seam is rounded over `k` mm.
inline double smooth_min(double a, double b, double k) {
  const double h = clamp01(0.5 + 0.5 * (b - a) / k);
  return mix(b, a, h) - k * h * (1 - h);
}
inline double smooth_max(double a, double b, double k) {
  return -smooth_min(-a, -b, k);
}

}  // namespace pillar::phantom
