// Flash attention of one part through LibTorch's own kernels, with the log-sum-exp that merging needs.
#pragma once

#include "pillar/nn/execution.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// CUDA's flash kernels take 16-bit types only; float32 goes through its memory-efficient kernel.
enum class AttentionKernel { cpu_flash, cuda_flash, cuda_efficient };
AttentionKernel attention_kernel(const Execution& execution);

// All (batch, heads, tokens, width); lse (batch, heads, query tokens) float32, natural logarithm.
struct AttentionPart {
  at::Tensor out, lse;
};
AttentionPart attention_forward(AttentionKernel kernel, const at::Tensor& q, const at::Tensor& k,
                                const at::Tensor& v);

struct AttentionGradients {
  at::Tensor q, k, v;
};
// `out` and `lse` are those of the whole attention, of which this part is one.
AttentionGradients attention_backward(AttentionKernel kernel, const at::Tensor& grad_out, const at::Tensor& q,
                                      const at::Tensor& k, const at::Tensor& v, const at::Tensor& out,
                                      const at::Tensor& lse);

}  // namespace pillar
