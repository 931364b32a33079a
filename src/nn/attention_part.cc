#include "nn/attention_part.h"

#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// The log-sum-exp of the memory-efficient kernel is padded to a multiple of this.
constexpr std::int64_t kEfficientRows = 32;

at::Tensor padded_lse(const at::Tensor& lse) {
  const std::int64_t rest = (kEfficientRows - lse.size(-1) % kEfficientRows) % kEfficientRows;
  return rest == 0 ? lse.contiguous() : at::constant_pad_nd(lse, {0, rest}, 0);
}

// Dropout is off, so its random state is never read; the kernels still want tensors.
at::Tensor no_seed(const at::Tensor& like) {
  return at::zeros({2}, like.options().dtype(at::kLong));
}

}  // namespace

AttentionKernel attention_kernel(const Execution& execution) {
  if (execution.device.is_cpu()) return AttentionKernel::cpu_flash;
  const bool half = execution.compute == at::kBFloat16 || execution.compute == at::kHalf;
  return half ? AttentionKernel::cuda_flash : AttentionKernel::cuda_efficient;
}

AttentionPart attention_forward(AttentionKernel kernel, const at::Tensor& q, const at::Tensor& k,
                                const at::Tensor& v) {
  if (kernel == AttentionKernel::cpu_flash) {
    const auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v);
    return {out, lse};
  }
  if (kernel == AttentionKernel::cuda_flash) {
    const auto result = at::_scaled_dot_product_flash_attention(q, k, v);
    return {std::get<0>(result), std::get<1>(result)};
  }
  const auto result = at::_scaled_dot_product_efficient_attention(q, k, v, std::nullopt, true);
  return {std::get<0>(result), std::get<1>(result).narrow(-1, 0, q.size(2))};
}

AttentionGradients attention_backward(AttentionKernel kernel, const at::Tensor& grad_out, const at::Tensor& q,
                                      const at::Tensor& k, const at::Tensor& v, const at::Tensor& out,
                                      const at::Tensor& lse) {
  if (kernel == AttentionKernel::cpu_flash) {
    auto [dq, dk, dv] =
        at::_scaled_dot_product_flash_attention_for_cpu_backward(grad_out, q, k, v, out, lse, 0.0, false);
    return {dq, dk, dv};
  }
  const at::Tensor seed = no_seed(q);
  if (kernel == AttentionKernel::cuda_flash) {
    auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_backward(
        grad_out, q, k, v, out, lse.contiguous(), at::Tensor(), at::Tensor(), q.size(2), k.size(2), 0.0,
        false, seed, seed);
    return {dq, dk, dv};
  }
  auto [dq, dk, dv, dbias] = at::_scaled_dot_product_efficient_attention_backward(
      grad_out, q, k, v, at::Tensor(), out, padded_lse(lse), seed, seed, 0.0, {true, true, true, false});
  return {dq, dk, dv};
}

}  // namespace pillar
