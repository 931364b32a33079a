// Layer norm in LibTorch's operators, or by our kernel (layer_norm.cu), which reads and writes once.
#include "device/shared/cuda_module.h"
#include "device/shared/cuda_tensor.h"
#include "nn/shared/layers.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>

namespace pillar {
namespace {

bool has_kernel(const at::Tensor& x, const Execution& execution) {
  const std::int64_t width = x.size(-1);
  return execution.kernels != nullptr && !execution.gradients && width % 4 == 0 &&
         width <= kPillarCudaWidestRow && x.numel() > 0;
}

// delta and sum may be undefined, both together.
at::Tensor normed_by_kernel(const LayerNorm& norm, const at::Tensor& x, const at::Tensor& delta,
                            const at::Tensor& sum, const Execution& execution) {
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(execution.compute));
  PillarCudaLayerNormJob job = {};
  job.x = x.const_data_ptr();
  job.delta = delta.defined() ? delta.const_data_ptr() : nullptr;
  job.sum = sum.defined() ? sum.mutable_data_ptr<float>() : nullptr;
  job.weight = norm.weight.const_data_ptr<float>();
  job.bias = norm.bias.const_data_ptr<float>();
  job.out = out.mutable_data_ptr();
  job.rows = x.numel() / x.size(-1);
  job.width = x.size(-1);
  job.x_type = cuda_type(x.scalar_type());
  job.out_type = cuda_type(execution.compute);
  job.epsilon = static_cast<float>(norm.epsilon);
  job.device = cuda_index(x.device());
  check_cuda(execution.kernels->layer_norm(&job, current_stream(x.device())), *execution.kernels,
             "layer norm");
  return out;
}

}  // namespace

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {weight.size(0)}, weight, bias, epsilon);
}

at::Tensor LayerNorm::operator()(const at::Tensor& x, const Execution& execution) const {
  if (has_kernel(x, execution)) return normed_by_kernel(*this, x.contiguous(), {}, {}, execution);
  return (*this)(x.to(at::kFloat)).to(execution.compute);
}

LayerNorm::OfSum LayerNorm::of_sum(const at::Tensor& x, const at::Tensor& delta,
                                   const Execution& execution) const {
  if (has_kernel(x, execution) && delta.scalar_type() == execution.compute) {
    const at::Tensor sum = at::empty(x.sizes(), x.options());
    at::Tensor normed = normed_by_kernel(*this, x.contiguous(), delta.contiguous(), sum, execution);
    return {sum, std::move(normed)};
  }
  at::Tensor sum = x + delta.to(at::kFloat);
  at::Tensor normed = (*this)(sum).to(execution.compute);
  return {std::move(sum), std::move(normed)};
}

}  // namespace pillar
