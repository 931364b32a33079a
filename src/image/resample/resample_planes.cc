#include "image/resample/resample_planes.h"

#include "pillar/core/thread_pool.h"

#include "image/voxel_types.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

using Place = std::array<double, 3>;

double inner(const Place& a, const Place& b) noexcept {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// A voxel as the planes see it.
struct PlaneSample {
  std::int64_t plane = 0;  // between this one and the next
  double weight = 0;       // of the next, from 0 to 1
  double column = 0;       // pixel coordinates, the same in both
  double row = 0;
  bool inside = false;
};

// The planes' depths along their normal, and where a point of the frame falls among them.
class PlaneFinder {
 public:
  // Beyond the outermost planes it still finds points up to half a step of theirs, or `reach_mm` if that is
  // more.
  PlaneFinder(const PlaneStack& stack, std::int64_t rows, std::int64_t columns, double reach_mm)
      : stack_(stack),
        reach_mm_(reach_mm),
        last_row_(static_cast<double>(rows - 1)),
        last_column_(static_cast<double>(columns - 1)) {
    const Place& r = stack.row;
    const Place& c = stack.column;
    normal_ = {r[1] * c[2] - r[2] * c[1], r[2] * c[0] - r[0] * c[2], r[0] * c[1] - r[1] * c[0]};
    if (inner(normal_, stack.origins.back()) < inner(normal_, stack.origins.front()))
      normal_ = {-normal_[0], -normal_[1], -normal_[2]};
    for (const Place& origin : stack.origins) depths_.push_back(inner(normal_, origin));
  }

  // `near` is a plane to begin the search at, and is moved on.
  PlaneSample find(const Place& point, std::size_t& near) const noexcept {
    const double depth = inner(normal_, point);
    while (near > 0 && depth < depths_[near]) --near;
    while (near + 2 < depths_.size() && depth >= depths_[near + 1]) ++near;
    const double step = depths_[near + 1] - depths_[near];
    const double share = (depth - depths_[near]) / step;
    PlaneSample sample;
    sample.plane = static_cast<std::int64_t>(near);
    sample.weight = std::clamp(share, 0.0, 1.0);
    Place in_plane;  // from the first pixel, which moves from plane to plane
    for (std::size_t i = 0; i < 3; ++i) {
      const double from = stack_.origins[near][i], to = stack_.origins[near + 1][i];
      in_plane[i] = point[i] - (from + share * (to - from));
    }
    sample.column = inner(in_plane, stack_.row) / stack_.pixel_spacing_rc_mm[1];
    sample.row = inner(in_plane, stack_.column) / stack_.pixel_spacing_rc_mm[0];
    constexpr double half = 0.5 + 1e-9;  // of a pixel or step: rounding does not put a voxel outside
    const double beyond = std::max(half, reach_mm_ / step);
    sample.inside = share >= -beyond && share <= 1 + beyond && sample.column >= -half &&
                    sample.column <= last_column_ + half && sample.row >= -half &&
                    sample.row <= last_row_ + half;
    sample.column = std::clamp(sample.column, 0.0, last_column_);
    sample.row = std::clamp(sample.row, 0.0, last_row_);
    return sample;
  }

 private:
  const PlaneStack& stack_;
  double reach_mm_;
  double last_row_;
  double last_column_;
  Place normal_;
  std::vector<double> depths_;
};

template <typename T>
double linear_in_plane(const T* plane, std::int64_t rows, std::int64_t columns,
                       const PlaneSample& at) noexcept {
  const auto row = static_cast<std::int64_t>(at.row), column = static_cast<std::int64_t>(at.column);
  const double down = at.row - static_cast<double>(row), right = at.column - static_cast<double>(column);
  const std::int64_t to_row = row + 1 < rows ? columns : 0, to_column = column + 1 < columns ? 1 : 0;
  const T* corner = plane + row * columns + column;
  const auto mean = [](double a, double b, double share) { return a + (b - a) * share; };
  const double upper = mean(static_cast<double>(corner[0]), static_cast<double>(corner[to_column]), right);
  const double lower =
      mean(static_cast<double>(corner[to_row]), static_cast<double>(corner[to_row + to_column]), right);
  return mean(upper, lower, down);
}

template <typename T>
T value_at(const T* planes, std::int64_t rows, std::int64_t columns, const PlaneSample& at,
           Interpolation interpolation) noexcept {
  const T* lower = planes + at.plane * rows * columns;
  if (interpolation == Interpolation::nearest) {
    const T* nearest = at.weight < 0.5 ? lower : lower + rows * columns;
    return nearest[std::llround(at.row) * columns + std::llround(at.column)];
  }
  double value = 0;
  if (at.weight < 1) value += (1 - at.weight) * linear_in_plane(lower, rows, columns, at);
  if (at.weight > 0) value += at.weight * linear_in_plane(lower + rows * columns, rows, columns, at);
  return static_cast<T>(std::is_integral_v<T> ? std::nearbyint(value) : value);
}

}  // namespace

at::Tensor resample_planes(const at::Tensor& planes_khw, const PlaneStack& stack, const BoxGrid& grid,
                           Interpolation interpolation, int threads) {
  const std::int64_t rows = planes_khw.size(1), columns = planes_khw.size(2);
  const auto [depth, height, width] = grid.size_dhw;
  const std::int64_t out_rows = height, out_columns = width;
  const PlaneFinder finder(stack, rows, columns, grid.spacing_xyz_mm[2] / 2);
  const at::Tensor result = at::empty({depth, height, width}, planes_khw.options());
  with_voxel_type(planes_khw.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    const T* planes = planes_khw.const_data_ptr<T>();
    const T outside = *std::min_element(planes, planes + planes_khw.numel());
    T* out = result.mutable_data_ptr<T>();
    parallel_for(depth, threads, [&](std::int64_t k) {
      std::size_t near = 0;
      T* voxel = out + k * out_rows * out_columns;
      for (std::int64_t j = 0; j < out_rows; ++j) {
        for (std::int64_t i = 0; i < out_columns; ++i, ++voxel) {
          const Place point = {grid.origin_xyz_mm[0] + static_cast<double>(i) * grid.spacing_xyz_mm[0],
                               grid.origin_xyz_mm[1] + static_cast<double>(j) * grid.spacing_xyz_mm[1],
                               grid.origin_xyz_mm[2] + static_cast<double>(k) * grid.spacing_xyz_mm[2]};
          const PlaneSample sample = finder.find(point, near);
          *voxel = sample.inside ? value_at(planes, rows, columns, sample, interpolation) : outside;
        }
      }
    });
  });
  return result;
}

}  // namespace pillar
