// From the types that files store to those that a Volume has.
#pragma once

#include "pillar/image/volume.h"

#include <filesystem>

namespace pillar {

// Uninitialised. Throws Error(io) naming the file where there is not enough memory.
at::Tensor new_voxels(const SizeDhw& size, at::ScalarType type, const std::filesystem::path& path);

// Reverses the bytes of every voxel in place.
void swap_bytes(at::Tensor& voxels);

// slope * voxel + intercept, as ITK scales NIfTI: integers become float32 first, float64 stays.
at::Tensor scale_voxels(const at::Tensor& stored, double slope, double intercept);

// int8 -> int16; uint32, int64 and uint64 -> int32. Other types are returned as they are. Throws Error(input)
// naming the value that does not fit.
at::Tensor to_volume_type(const at::Tensor& stored, const std::filesystem::path& path);

}  // namespace pillar
