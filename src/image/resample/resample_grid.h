// Where the voxels of a resampled grid fall in the input, with ITK's arithmetic and so with ITK's rounding
// errors.
#pragma once

#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace pillar {

using ContinuousIndex = std::array<double, 3>;  // i,j,k in the input grid; whole numbers are voxel centres
using SizeXyz = std::array<std::int64_t, 3>;
using AxisPositions = std::array<std::vector<double>, 3>;  // of every output column, row and slice

// One row of output voxels, as the input sees it: of its voxel 0, and of the voxel one past its last.
struct LineEnds {
  ContinuousIndex start;
  ContinuousIndex end;

  double at(int axis, double alpha) const noexcept { return start[axis] + alpha * (end[axis] - start[axis]); }
};

class ResampleGrid {
 public:
  ResampleGrid(const Geometry& input, const SizeXyz& input_size,
               const std::array<double, 3>& output_spacing_xyz_mm, const SizeXyz& output_size);

  LineEnds line(std::int64_t j, std::int64_t k) const noexcept;
  double alpha(std::int64_t i) const noexcept {
    return static_cast<double>(i) / static_cast<double>(output_size_[0]);
  }
  bool inside(int axis, double index) const noexcept { return index >= -0.5 && index < upper_[axis]; }

  const SizeXyz& input_size() const noexcept { return input_size_; }
  const SizeXyz& output_size() const noexcept { return output_size_; }

  // The positions along each axis, if no axis depends on another to the last bit (an axis-aligned scan,
  // mostly).
  std::optional<AxisPositions> separate_axes(int threads) const;

 private:
  ContinuousIndex input_index(std::int64_t i, std::int64_t j, std::int64_t k) const noexcept;

  SizeXyz input_size_;
  SizeXyz output_size_;
  std::array<double, 3> upper_;  // first index past the input: size - 0.5
  std::array<double, 3> origin_;
  std::array<double, 9> to_point_;  // of the output grid, row-major
  std::array<double, 9> to_index_;  // of the input grid
};

}  // namespace pillar
