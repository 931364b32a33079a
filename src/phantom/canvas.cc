#include "phantom/canvas.h"

namespace pillar::phantom {

Canvas::Canvas(const PhantomOptions& options, const Frame& frame, float background)
    : size_(options.size),
      spacing_(options.field_of_view_mm / static_cast<double>(options.size)),
      frame_(frame),
      edge_(1.15 * spacing_ / frame.scale),
      values_(static_cast<std::size_t>(size_ * size_ * size_), background) {
  const double step = spacing_ / frame.scale;
  step_ = {frame.cos_roll * step, -frame.sin_roll * step, step};
}

Vec3 Canvas::nominal(std::int64_t i, std::int64_t j, std::int64_t k) const {
  const double half = 0.5 * static_cast<double>(size_ - 1);
  return frame_.to_nominal({(static_cast<double>(i) - half) * spacing_,
                            (static_cast<double>(j) - half) * spacing_,
                            (static_cast<double>(k) - half) * spacing_});
}

Geometry Canvas::geometry() const {
  Geometry geometry;
  const double first = -0.5 * static_cast<double>(size_ - 1) * spacing_;
  geometry.spacing_xyz_mm = {spacing_, spacing_, spacing_};
  geometry.origin_xyz_mm = {first, first, first};
  return geometry;
}

Canvas::Range Canvas::range_of(const Box& box) const {
  Vec3 low{kFar * 10, kFar * 10, kFar * 10}, high = low * -1;
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 world = frame_.to_world({(corner & 1) != 0 ? box.high.x : box.low.x,
                                        (corner & 2) != 0 ? box.high.y : box.low.y,
                                        (corner & 4) != 0 ? box.high.z : box.low.z});
    low = {std::min(low.x, world.x), std::min(low.y, world.y), std::min(low.z, world.z)};
    high = {std::max(high.x, world.x), std::max(high.y, world.y), std::max(high.z, world.z)};
  }
  const double half = 0.5 * static_cast<double>(size_ - 1);
  const auto index = [&](double mm) { return static_cast<std::int64_t>(std::floor(mm / spacing_ + half)); };
  const auto clip = [&](std::int64_t i) { return std::clamp<std::int64_t>(i, 0, size_); };
  // One voxel more on each side for the soft edge.
  return {{clip(index(low.x) - 1), clip(index(low.y) - 1), clip(index(low.z) - 1)},
          {clip(index(high.x) + 3), clip(index(high.y) + 3), clip(index(high.z) + 3)}};
}

}  // namespace pillar::phantom
