// Internal: tensors as our kernels see them.
#pragma once

#include "device/shared/cuda_abi.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// Throws Error(usage) for a type that no kernel has.
PillarCudaType cuda_type(at::ScalarType type);

// The index of a tensor's GPU. A kernel's twin on the CPU has tensors without one: 0.
std::int32_t cuda_index(const at::Device& device);

// The queue that LibTorch's operators on a GPU go into now, as a cudaStream_t: kernels among them go into the
// same one. Null for a CPU.
void* current_stream(const at::Device& device);

// Memory of the CPU from which `device` copies while the CPU goes on: pinned, where that is a GPU.
at::Tensor staging(at::IntArrayRef shape, at::ScalarType type, const at::Device& device);

// `tensor` on `device`, whose queue holds the copy: a few numbers of the CPU that a step needs there. Without
// it the CPU would wait for all that is queued before.
at::Tensor queued_to(const at::Tensor& tensor, const at::Device& device);

}  // namespace pillar
