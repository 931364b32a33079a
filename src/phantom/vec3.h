// Internal: points and the few functions that must give the same bits on every machine.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

namespace pillar::phantom {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vec3 operator-(Vec3 a, Vec3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vec3 operator*(Vec3 a, double s) {
  return {a.x * s, a.y * s, a.z * s};
}
inline double dot(Vec3 a, Vec3 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline double length(Vec3 a) {
  return std::sqrt(dot(a, a));
}
inline Vec3 normalized(Vec3 a) {
  return a * (1 / std::max(length(a), 1e-12));
}
inline Vec3 mix(Vec3 a, Vec3 b, double t) {
  return a + (b - a) * t;
}
inline double mix(double a, double b, double t) {
  return a + (b - a) * t;
}
inline double clamp01(double t) {
  return std::clamp(t, 0.0, 1.0);
}

// 0 below `a`, 1 above `b`, smooth between.
inline double smooth_step(double a, double b, double t) {
  t = clamp01((t - a) / (b - a));
  return t * t * (3 - 2 * t);
}

// std::sin and std::cbrt differ in the last bit between C libraries; these use only operations that IEEE 754
// rounds in one way. Both are good to about 1e-9, far below a voxel.
inline double portable_sin(double radians) {
  constexpr double kPi = 3.14159265358979323846;
  const double turns = std::floor(radians / kPi + 0.5);
  const double r = radians - turns * kPi;  // [-pi/2, pi/2]
  const double r2 = r * r;
  const double series =
      r * (1 - r2 / 6 * (1 - r2 / 20 * (1 - r2 / 42 * (1 - r2 / 72 * (1 - r2 / 110 * (1 - r2 / 156))))));
  return std::fmod(std::abs(turns), 2.0) == 1.0 ? -series : series;
}
inline double portable_cos(double radians) {
  return portable_sin(radians + 1.57079632679489661923);
}

inline double degrees(double angle) {
  return angle * 0.01745329251994329577;
}

}  // namespace pillar::phantom
