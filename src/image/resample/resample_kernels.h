// Interpolation as ITK computes it: in double, x before y before z, an axis left out where its fraction is
// not above 0 or its next voxel does not exist.
#pragma once

#include "pillar/core/thread_pool.h"

#include "image/resample/resample_grid.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace pillar {

// One axis of an interpolation: voxel `base`, the next one `step` (0 or 1) further, and how far between the
// two.
struct AxisSample {
  std::int64_t base;
  int step;         // 0: this axis takes no part
  double fraction;  // 0 where step is 0
};

inline AxisSample linear_sample(double index, std::int64_t size) noexcept {
  const std::int64_t base = index > 0 ? static_cast<std::int64_t>(index) : 0;
  const double fraction = index - static_cast<double>(base);
  if (fraction <= 0 || base + 1 >= size) return {base, 0, 0};
  return {base, 1, fraction};
}

// Halves go up, by ITK's own formula: it differs from floor(x + 0.5) just below a half.
inline std::int64_t nearest_index(double index, std::int64_t size) noexcept {
  const std::int64_t rounded = std::llrint(2 * index + 0.5) >> 1;
  return rounded < 0 ? 0 : (rounded >= size ? size - 1 : rounded);
}

inline double lerp(double from, double to, double fraction) noexcept {
  return from + (to - from) * fraction;
}

// Truncates towards zero. Interpolated integers never leave their type's range; an infinity becomes the
// largest float.
template <typename T>
T cast_voxel(double value) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    constexpr double lowest = std::numeric_limits<float>::lowest();
    constexpr double highest = std::numeric_limits<float>::max();
    return value <= lowest
               ? std::numeric_limits<float>::lowest()
               : (value >= highest ? std::numeric_limits<float>::max() : static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

// out[i] = between a[i] and b[i]; with fraction 0, a copy of a (adding 0 would turn -0 into +0).
inline void lerp_rows(const double* a, const double* b, double fraction, std::int64_t count,
                      double* out) noexcept {
  if (fraction <= 0) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = a[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i] = lerp(a[i], b[i], fraction);
  }
}

template <typename T>
void lerp_rows_cast(const double* a, const double* b, double fraction, std::int64_t count, T* out) noexcept {
  if (fraction <= 0) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = cast_voxel<T>(a[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i] = cast_voxel<T>(lerp(a[i], b[i], fraction));
  }
}

// Calls sample(index) for every voxel whose centre lies inside the input; the others are 0.
template <typename T, typename Sample>
void for_each_voxel(const ResampleGrid& grid, int threads, T* output, const Sample& sample) {
  const auto [width, height, depth] = grid.output_size();
  const std::int64_t rows = height;
  const std::int64_t columns = width;
  parallel_for(depth, threads, [&](std::int64_t k) {
    for (std::int64_t j = 0; j < rows; ++j) {
      const LineEnds ends = grid.line(j, k);
      T* out = output + (k * rows + j) * columns;
      for (std::int64_t i = 0; i < columns; ++i) {
        const double alpha = grid.alpha(i);
        const ContinuousIndex index = {ends.at(0, alpha), ends.at(1, alpha), ends.at(2, alpha)};
        const bool inside = grid.inside(0, index[0]) && grid.inside(1, index[1]) && grid.inside(2, index[2]);
        out[i] = inside ? sample(index) : T(0);
      }
    }
  });
}

// Whole volumes; `output` has grid.output_size() voxels, x fastest. Results do not depend on `threads`.
template <typename T>
void resample_linear(const T* input, const ResampleGrid& grid, int threads, T* output);
template <typename T>
void resample_nearest(const T* input, const ResampleGrid& grid, int threads, T* output);

// The two ways of resample_linear(): each axis by itself, which shares work between voxels, or voxel by
// voxel.
template <typename T>
void resample_linear_separable(const T* input, const ResampleGrid& grid, const AxisPositions& positions,
                               int threads, T* output);
template <typename T>
void resample_linear_oblique(const T* input, const ResampleGrid& grid, int threads, T* output);

}  // namespace pillar
