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

// CUDA's flash kernels take 16-bit types only; float32 goes through its memory-efficient kernel, whose
// log-sum-exp is padded to a multiple of 32 rows.
bool is_half(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16 || t.scalar_type() == at::kHalf;
}
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

AttentionPart attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  if (q.is_cpu()) {
    const auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v);
    return {out, lse};
  }
  if (is_half(q)) {
    const auto result = at::_scaled_dot_product_flash_attention(q, k, v);
    return {std::get<0>(result), std::get<1>(result)};
  }
  const auto result = at::_scaled_dot_product_efficient_attention(q, k, v, std::nullopt, true);
  return {std::get<0>(result), std::get<1>(result).narrow(-1, 0, q.size(2))};
}

AttentionGradients attention_backward(const at::Tensor& grad_out, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse) {
  if (q.is_cpu()) {
    auto [dq, dk, dv] =
        at::_scaled_dot_product_flash_attention_for_cpu_backward(grad_out, q, k, v, out, lse, 0.0, false);
    return {dq, dk, dv};
  }
  const at::Tensor seed = no_seed(q);
  if (is_half(q)) {
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
