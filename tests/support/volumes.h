// Small volumes with something in them, and where they lie.
#pragma once

#include "pillar/image/volume.h"

#include <cstdint>
#include <random>

namespace pillar::test {

// int16 (D,H,W): a smooth body-like pattern between -1000 and about 1200, different for each seed.
Volume smooth_volume(std::int64_t depth, std::int64_t height, std::int64_t width, std::uint32_t seed = 0);

// Any dtype: every voxel drawn evenly from [low, high].
at::Tensor random_voxels(std::int64_t depth, std::int64_t height, std::int64_t width, at::ScalarType dtype,
                         double low, double high, std::uint32_t seed = 0);

// Any dtype: values over the whole range of an integer type, or around 0 for floats, with some negative zeros
// among them.
at::Tensor any_voxels(const SizeDhw& size_dhw, at::ScalarType dtype, std::mt19937_64& random);

// uint16 codes from 0 to `max_code`, as videos store them: smooth ones, which compress and move from slice to
// slice, and noise, which does not compress. The same every time.
at::Tensor smooth_codes(const SizeDhw& size_dhw, int max_code);
at::Tensor noise_codes(const SizeDhw& size_dhw, int max_code);

Geometry axis_aligned(const std::array<double, 3>& spacing_xyz_mm,
                      const std::array<double, 3>& origin_xyz_mm);

// Turned about all three axes; with `mirrored`, the third axis is negated too.
Geometry oblique(const std::array<double, 3>& spacing_xyz_mm, const std::array<double, 3>& origin_xyz_mm,
                 bool mirrored = false);

// Shape, dtype and every byte of two contiguous tensors (so that -0 differs from +0).
bool same_voxels(const at::Tensor& a, const at::Tensor& b);

}  // namespace pillar::test
