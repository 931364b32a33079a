// Internal: studies of one split that are, to all appearance, in another one under another name.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

// Two embeddings are near copies where the distance between them is at most a twentieth of what it is between
// two studies on average (root mean square, of the first split). A scan twice has distance 0; noise, another
// reconstruction of the same series or a shift of a voxel stay below; other studies do not.
inline constexpr double kNearCopyShare = 0.05;

struct NearCopies {
  std::int64_t count = 0;             // rows of `b_md` that have a near copy in `a_nd`
  std::int64_t row_a = 0, row_b = 0;  // the first of them and its nearest
};

// Both float32 and finite. Pairs are looked for in a random projection to 64 numbers, in blocks, and those
// that come near there are measured in full: some ten nanoseconds a pair of studies, whatever their
// width, and 64 MB beside the projections.
NearCopies find_near_copies(const at::Tensor& a_nd, const at::Tensor& b_md);

}  // namespace pillar
