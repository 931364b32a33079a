// Attention over keys that several windows share, without a copy of the keys for each window.
#pragma once

#include "pillar/nn/execution.h"

#include <optional>
#include <vector>

#include <ATen/Generator.h>
#include <ATen/core/Tensor.h>

namespace pillar {

// One set of keys and values: (groups, tokens, heads, width). Each group serves an equal run of consecutive
// query windows.
struct KeyValuePart {
  at::Tensor key, value;
};

// softmax(q k^T / sqrt(width)) v over the keys of all parts together. query: (windows, tokens, heads, width);
// windows must be a multiple of every part's groups. Returns (windows, tokens, heads, width) in the query's
// dtype, which is `execution.compute`.
//
// Each part runs through LibTorch's flash attention on a view in which the windows of a group are one long
// query, and the parts merge by their log-sum-exp: exact, since softmax over a union is the weighted mean of
// softmaxes. The backward of a part is flash backward with the merged output and log-sum-exp, as in ring
// attention (Liu et al., arXiv 2310.01889).
at::Tensor merged_attention(const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                            const Execution& execution);

// The same with dropout on the attention weights, which flash attention on CPUs does not have: materialises
// the weights of one part at a time.
at::Tensor merged_attention_with_dropout(const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                                         double rate, const std::optional<at::Generator>& generator);

// One sequence for all: softmax(q k^T / sqrt(width)) v with dropout on the weights. All (batch, tokens,
// heads, width) on one device; returns the query's shape and dtype. Queries go in blocks, in float32, and
// each block is computed and drawn again in the backward, so that no matrix of all queries and keys ever
// exists.
at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                  double rate, std::uint64_t seed);

// The same for a few queries whose weights are wanted: (batch, heads, queries, keys) float32, after dropout.
struct WeightedAttention {
  at::Tensor out, weights;
};
WeightedAttention attention_and_weights(const at::Tensor& query, const at::Tensor& key,
                                        const at::Tensor& value, double rate,
                                        const std::optional<at::Generator>& draws);

}  // namespace pillar
