// Internal: the fused pass over voxels, in both layouts. One chunk of voxels at a time becomes floats in the
// first-level cache and goes through every window from there.
#pragma once

#include "windows/kernels.h"

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::windows {

// float32, bfloat16 or float16; throws Error(usage) for another.
void check_output_type(at::ScalarType dtype);

// One input channel of one sample, its voxels side by side.
struct ChannelVoxels {
  const void* data = nullptr;
  at::ScalarType dtype = at::kShort;
  std::int64_t count = 0;
};

// out: (maps, count), as many planes as there are maps. With `stream` the output bypasses the caches.
void write_planes(const ChannelVoxels& voxels, const AffineClamp* maps, std::int64_t map_count, void* out,
                  at::ScalarType dtype, bool stream, int threads);

// out: (count, channels * maps of each). maps: (channels, maps of each); all channels have the same dtype and
// count.
void write_interleaved(const std::vector<ChannelVoxels>& voxels, const std::vector<AffineClamp>& maps,
                       void* out, at::ScalarType dtype, int threads);

}  // namespace pillar::windows
