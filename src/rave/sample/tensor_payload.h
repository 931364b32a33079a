// Internal: volumes stored as plain arrays (volume.npy, volume.pt), of any integer or float type.
#pragma once

#include "pillar/core/file.h"
#include "pillar/image/volume.h"

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// The stored array as it is: (D,H,W), or (1,D,H,W) taken as that. Its memory may be `bytes` itself.
// Throws Error(input) on any other shape or an empty one.
at::Tensor view_npy(ByteView bytes, const std::string& name);
at::Tensor load_torch_tensor(ByteView bytes, const std::string& name);

at::Tensor as_dhw(const at::Tensor& stored, const std::string& name);

// int16 or uint16 where the type is an integer and all values fit, else float32.
at::ScalarType narrowed_type(const at::Tensor& stored, const std::string& name);

// A new contiguous tensor. Throws Error(input) on NaN or infinity.
at::Tensor convert_voxels(const at::Tensor& stored, at::ScalarType type, const std::string& name);

}  // namespace pillar
