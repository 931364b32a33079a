// Internal: attention of texts that lie one after another.
#pragma once

#include "text/qwen3/packed_texts.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// softmax(q k^T / sqrt(width), causal) v within each text of `run`. q: (tokens, heads, width), k and v:
// (tokens, key heads, width); key heads divide heads, and head h reads key head h / (heads / key heads).
// Returns (tokens, heads, width) in the type of q, in q's own memory on a CPU.
at::Tensor causal_attention(const at::Tensor& q_thd, const at::Tensor& k_thd, const at::Tensor& v_thd,
                            const TextRun& run);

}  // namespace pillar
