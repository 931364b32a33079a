// Internal: the grid that shapes are painted on, in the painter's order, with soft edges.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/phantom/phantom.h"

#include "phantom/vec3.h"

#include <vector>

namespace pillar::phantom {

// From the scanner's millimetres (LPS) to the nominal patient, whose anatomy has one set of coordinates for
// all.
struct Frame {
  Vec3 shift_mm;        // where the nominal origin lies
  double cos_roll = 1;  // rotation about the body axis
  double sin_roll = 0;
  double scale = 1;  // patient size over nominal size

  Vec3 to_nominal(Vec3 world) const {
    const Vec3 q = (world - shift_mm) * (1 / scale);
    return {cos_roll * q.x + sin_roll * q.y, cos_roll * q.y - sin_roll * q.x, q.z};
  }
  Vec3 to_world(Vec3 nominal) const {
    return Vec3{cos_roll * nominal.x - sin_roll * nominal.y, sin_roll * nominal.x + cos_roll * nominal.y,
                nominal.z} *
               scale +
           shift_mm;
  }
};

// Nominal millimetres that a shape surely lies in.
struct Box {
  Vec3 low, high;
};
inline Box box_around(Vec3 center, double radius) {
  const Vec3 r{radius, radius, radius};
  return {center - r, center + r};
}
inline Box box_around(Vec3 center, Vec3 radii) {
  return {center - radii, center + radii};
}
inline Box box_of(Vec3 a, Vec3 b, double margin) {
  return {{std::min(a.x, b.x) - margin, std::min(a.y, b.y) - margin, std::min(a.z, b.z) - margin},
          {std::max(a.x, b.x) + margin, std::max(a.y, b.y) + margin, std::max(a.z, b.z) + margin}};
}
constexpr double kFar = 1e4;
inline Box everywhere() {
  return {{-kFar, -kFar, -kFar}, {kFar, kFar, kFar}};
}

class Canvas {
 public:
  Canvas(const PhantomOptions& options, const Frame& frame, float background);

  // Blends `value(p, d)` over the voxels of `box` where `distance(p)` is negative. The edge is one voxel
  // wide: what a voxel holds only in part shows in part. Both functions take nominal millimetres.
  template <typename Distance, typename Value>
  void paint(const Box& box, Distance distance, Value value) {
    const Range range = range_of(box);
    const double inverse_edge = 1 / edge_;
    for (std::int64_t k = range.low[2]; k < range.high[2]; ++k) {
      for (std::int64_t j = range.low[1]; j < range.high[1]; ++j) {
        float* row = values_.data() + (k * size_ + j) * size_;
        const Vec3 first = nominal(0, j, k);
        for (std::int64_t i = range.low[0]; i < range.high[0]; ++i) {
          const Vec3 p{first.x + step_.x * static_cast<double>(i), first.y + step_.y * static_cast<double>(i),
                       first.z};
          const double d = distance(p);
          const double cover = 0.5 - d * inverse_edge;
          if (cover <= 0) continue;
          const auto target = static_cast<float>(value(p, d));
          row[i] = cover >= 1 ? target : row[i] + (target - row[i]) * static_cast<float>(cover);
        }
      }
    }
  }
  template <typename Distance>
  void fill(const Box& box, float target, Distance distance) {
    paint(box, distance, [target](Vec3, double) { return target; });
  }

  Vec3 nominal(std::int64_t i, std::int64_t j, std::int64_t k) const;
  double edge_mm() const { return edge_; }  // nominal
  std::int64_t size() const { return size_; }
  double spacing_mm() const { return spacing_; }
  std::vector<float>& values() { return values_; }  // (size,size,size), k slowest
  Geometry geometry() const;

 private:
  struct Range {
    std::int64_t low[3], high[3];
  };
  Range range_of(const Box& box) const;

  std::int64_t size_;
  double spacing_;
  Frame frame_;
  double edge_;
  Vec3 step_;
  std::vector<float> values_;
};

}  // namespace pillar::phantom
