// Internal: the voxels of a volume in the compact form that a slice viewer page carries and viewer.js
// unpacks.
#pragma once

#include "pillar/core/file.h"

#include <array>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::viz {

// A voxel is a 16-bit code. For integers (of any type, float included) that span at most 65536 values, code c
// is levels[c], one of the values that occur, ascending: exact. For others it is offset + scale * c, nearest:
// `levels` is empty.
//
// deflated: zlib stream of the residuals' low bytes, then their high bytes, voxels in z, y, x order. A
// residual is code - prediction modulo 65536 as a signed number, zigzag coded (0, -1, 1, -2, ...). The
// prediction is the median of the codes before it along x, y and z; one that does not exist counts as 0.
struct PackedVoxels {
  std::array<std::int64_t, 3> size_xyz = {0, 0, 0};  // after thinning
  std::vector<std::int64_t> levels;
  double scale = 1;
  double offset = 0;
  Bytes deflated;
};

// Source index of voxel `i` of the `kept` that thinning leaves of `size`: the middle one of its part.
constexpr std::int64_t thinned_index(std::int64_t i, std::int64_t size, std::int64_t kept) {
  return (2 * i + 1) * size / (2 * kept);
}

// At most `longest_side` voxels are kept along each axis. `volume` comes from checked_volume. Throws
// Error(input) where a kept voxel is NaN or infinite.
PackedVoxels pack_voxels(const at::Tensor& volume, int longest_side);

// A zlib stream. Throws Error(io) where there is no memory.
Bytes deflate_bytes(ByteView bytes);

}  // namespace pillar::viz
