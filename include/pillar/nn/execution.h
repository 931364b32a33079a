// How a pass through a network is computed: said by the caller, so that no layer has to guess it.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

struct CudaModule;  // internal

struct Execution {
  at::Device device = at::kCPU;  // where weights and inputs are
  // Type of convolutions, matrix products and attention, as autocast would choose: float32, bfloat16 or
  // float16. Norms and the residual stream stay float32.
  at::ScalarType compute = at::kFloat;
  // Whether a backward may follow. Without one, tensors are changed in place, a few windows at a time.
  bool gradients = false;
  // Rows of tokens in work at once where no backward follows; 0: 2,048 on a CPU, whose caches then hold their
  // widest product, and all on a GPU, which would wait for the launch of every piece.
  std::int64_t tokens_at_once = 0;
  // Our kernels, for passes without gradients; null: LibTorch's operators alone.
  const CudaModule* kernels = nullptr;
};

}  // namespace pillar
