// Flash attention of one part through LibTorch's own kernels, with the log-sum-exp that merging needs.
#pragma once

#include <ATen/core/Tensor.h>

namespace pillar {

// All (batch, heads, tokens, width); lse (batch, heads, query tokens) float32, natural logarithm.
struct AttentionPart {
  at::Tensor out, lse;
};
AttentionPart attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

struct AttentionGradients {
  at::Tensor q, k, v;
};
// `out` and `lse` are those of the whole attention, of which this part is one.
AttentionGradients attention_backward(const at::Tensor& grad_out, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse);

}  // namespace pillar
