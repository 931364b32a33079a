#include "image/resample/resample_grid.h"

#include "pillar/core/thread_pool.h"

#include <atomic>
#include <cstring>

#include <itkMatrix.h>

namespace pillar {
namespace {

using Matrix = itk::Matrix<double, 3, 3>;

Matrix index_to_point(const Geometry& geometry, const std::array<double, 3>& spacing_xyz_mm) {
  Matrix direction;
  Matrix scale;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) direction(row, column) = geometry.direction[3 * row + column];
    scale(row, row) = spacing_xyz_mm[row];
  }
  return direction * scale;
}

template <typename M>
std::array<double, 9> row_major(const M& matrix) {
  std::array<double, 9> values;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) values[3 * row + column] = matrix(row, column);
  }
  return values;
}

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof(double)) == 0;
}

}  // namespace

// The inverse is ITK's own (by singular values): any other method differs in the last bits.
ResampleGrid::ResampleGrid(const Geometry& input, const SizeXyz& input_size,
                           const std::array<double, 3>& output_spacing_xyz_mm, const SizeXyz& output_size)
    : input_size_(input_size),
      output_size_(output_size),
      origin_(input.origin_xyz_mm),
      to_point_(row_major(index_to_point(input, output_spacing_xyz_mm))),
      to_index_(row_major(index_to_point(input, input.spacing_xyz_mm).GetInverse())) {
  for (int axis = 0; axis < 3; ++axis) upper_[axis] = static_cast<double>(input_size[axis] - 1) + 0.5;
}

// The order of the sums is part of the result.
ContinuousIndex ResampleGrid::input_index(std::int64_t i, std::int64_t j, std::int64_t k) const noexcept {
  const std::array<double, 3> index = {static_cast<double>(i), static_cast<double>(j),
                                       static_cast<double>(k)};
  std::array<double, 3> offset;
  for (int row = 0; row < 3; ++row) {
    double point = origin_[row];
    for (int column = 0; column < 3; ++column) point += to_point_[3 * row + column] * index[column];
    offset[row] = point - origin_[row];
  }
  ContinuousIndex result;
  for (int row = 0; row < 3; ++row) {
    double sum = 0;
    for (int column = 0; column < 3; ++column) sum += to_index_[3 * row + column] * offset[column];
    result[row] = sum;
  }
  return result;
}

LineEnds ResampleGrid::line(std::int64_t j, std::int64_t k) const noexcept {
  return {input_index(0, j, k), input_index(output_size_[0], j, k)};
}

std::optional<AxisPositions> ResampleGrid::separate_axes(int threads) const {
  const auto [width, height, depth] = output_size_;
  AxisPositions positions;
  const LineEnds first = line(0, 0);
  for (std::int64_t i = 0; i < width; ++i) positions[0].push_back(first.at(0, alpha(i)));
  for (std::int64_t j = 0; j < height; ++j) positions[1].push_back(line(j, 0).start[1]);
  for (std::int64_t k = 0; k < depth; ++k) positions[2].push_back(line(0, k).start[2]);

  // A position at the start of a line holds all along it only if the line's end has the very same one.
  std::atomic<bool> separate{true};
  parallel_for(depth, threads, [&](std::int64_t k) {
    for (std::int64_t j = 0; j < height && separate; ++j) {
      const LineEnds ends = line(j, k);
      const bool same = same_bits(ends.start[0], first.start[0]) && same_bits(ends.end[0], first.end[0]) &&
                        same_bits(ends.start[1], positions[1][j]) &&
                        same_bits(ends.end[1], positions[1][j]) &&
                        same_bits(ends.start[2], positions[2][k]) && same_bits(ends.end[2], positions[2][k]);
      if (!same) separate = false;
    }
  });
  if (!separate) return std::nullopt;
  return positions;
}

}  // namespace pillar
