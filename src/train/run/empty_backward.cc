#include "train/run/empty_backward.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {

at::Tensor zero_of(const std::vector<at::Tensor>& parameters) {
  at::Tensor nothing = at::zeros({}, parameters.front().options().requires_grad(false));
  for (const at::Tensor& parameter : parameters) nothing = nothing + parameter.sum() * 0;
  return nothing;
}

void backward_of_nothing(const std::vector<at::Tensor>& parameters) {
  const at::AutoGradMode mode(true);
  torch::autograd::backward({zero_of(parameters)}, {});
}

}  // namespace pillar
