#include "device/shared/cuda_tensor.h"

#include "pillar/core/fail.h"

#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace pillar {

PillarCudaType cuda_type(at::ScalarType type) {
  switch (type) {
    case at::kShort:
      return PILLAR_CUDA_INT16;
    case at::kUInt16:
      return PILLAR_CUDA_UINT16;
    case at::kFloat:
      return PILLAR_CUDA_FLOAT32;
    case at::kBFloat16:
      return PILLAR_CUDA_BFLOAT16;
    case at::kHalf:
      return PILLAR_CUDA_FLOAT16;
    default:
      fail(ErrorCategory::usage, "no kernel for {}: int16, uint16, float32, bfloat16 and float16 have some",
           c10::toString(type));
  }
}

std::int32_t cuda_index(const at::Device& device) {
  return device.has_index() ? device.index() : 0;
}

void* current_stream(const at::Device& device) {
  if (!device.is_cuda()) return nullptr;
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

at::Tensor staging(at::IntArrayRef shape, at::ScalarType type, const at::Device& device) {
  return at::empty(shape, at::TensorOptions().dtype(type).pinned_memory(device.is_cuda()));
}

at::Tensor queued_to(const at::Tensor& tensor, const at::Device& device) {
  if (!device.is_cuda() || !tensor.is_cpu()) return tensor.to(device);
  if (tensor.is_pinned()) return tensor.to(device, /*non_blocking=*/true);
  const at::Tensor pinned = staging(tensor.sizes(), tensor.scalar_type(), device);
  pinned.copy_(tensor);
  return pinned.to(device, /*non_blocking=*/true);
}

}  // namespace pillar
