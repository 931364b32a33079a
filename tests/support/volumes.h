// Small volumes with something in them.
#pragma once

#include "pillar/image/volume.h"

#include <cstdint>

namespace pillar::test {

// int16 (D,H,W): a smooth body-like pattern between -1000 and about 1200, different for each seed.
Volume smooth_volume(std::int64_t depth, std::int64_t height, std::int64_t width, std::uint32_t seed = 0);

// Any dtype: every voxel drawn evenly from [low, high].
at::Tensor random_voxels(std::int64_t depth, std::int64_t height, std::int64_t width, at::ScalarType dtype, double low, double high,
                         std::uint32_t seed = 0);

bool same_voxels(const at::Tensor& a, const at::Tensor& b);  // shape, dtype and every byte

}  // namespace pillar::test
