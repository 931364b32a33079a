// Internal: the largest value of each channel over the tokens, and the token that has it.
#pragma once

#include <ATen/core/Tensor.h>

namespace pillar {

struct TokenMaximum {
  at::Tensor value_bc;  // as tokens.amax(1)
  at::Tensor token_bc;  // int64; of equal values the first token
};

// tokens_bnc: (B, tokens, channels), on any device; no gradients flow. On a CPU float32 is read once, row by
// row: LibTorch's own search walks down one channel at a time, which touches a cache line for each value.
TokenMaximum token_maximum(const at::Tensor& tokens_bnc);

}  // namespace pillar
