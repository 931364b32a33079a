// How a pass through a network is computed: said by the caller, so that no layer has to guess it.
#pragma once

#include <ATen/core/Tensor.h>

namespace pillar {

struct Execution {
  at::Device device = at::kCPU;  // where weights and inputs are
  // Type of convolutions, matrix products and attention, as autocast would choose: float32, bfloat16 or
  // float16. Norms and the residual stream stay float32.
  at::ScalarType compute = at::kFloat;
  // Whether a backward may follow. Without one, tensors are changed in place, a few windows at a time.
  bool gradients = false;
};

}  // namespace pillar
