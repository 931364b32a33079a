// Internal: the layers of DETR3D's transformer, post-norm, each reading its own weights.
#pragma once

#include "nn/shared/attention.h"
#include "nn/shared/layers.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace pillar {

// One pass through the head.
struct DetectionRun {
  Execution execution;
  double dropout = 0;
  // Set when training: of the masks, on the pass's device, and of the seeds of attention, on the CPU. There
  // they are one.
  std::optional<at::Generator> draws, seeds;
};

// torch.nn.MultiheadAttention, batch first: one matrix for queries, keys and values.
struct HeadAttention {
  HeadAttention(const Scope& scope, std::int64_t heads);
  // (B, N, width) each. Among all tokens: the weights are never materialised, and not given.
  at::Tensor among(const at::Tensor& query_and_key, const at::Tensor& value, const DetectionRun& run) const;
  // From a few queries to all keys, and the weights, (B, heads, queries, keys) after dropout.
  WeightedAttention from_few(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const DetectionRun& run) const;
  at::Tensor in_weight, in_bias;  // (3 width, width), (3 width)
  Linear out;
  std::int64_t heads;

 private:
  // part 0, 1, 2: query, key, value; (B, N, heads, width / heads) in the compute type.
  at::Tensor projected(const at::Tensor& x, std::int64_t part, const DetectionRun& run) const;
};

struct HeadFeedForward {
  explicit HeadFeedForward(const Scope& scope) : first(scope / "linear1"), second(scope / "linear2") {}
  at::Tensor operator()(const at::Tensor& x, const DetectionRun& run) const;
  Linear first, second;
};

struct DetectionEncoderLayer {
  DetectionEncoderLayer(const Scope& scope, std::int64_t heads);
  // tokens (B, N, width) float32, positions (N, width).
  at::Tensor operator()(const at::Tensor& tokens, const at::Tensor& positions, const DetectionRun& run) const;
  HeadAttention attention;
  HeadFeedForward feed_forward;
  LayerNorm norm1, norm2;
};

struct DetectionDecoderLayer {
  DetectionDecoderLayer(const Scope& scope, std::int64_t heads);
  struct Memory {
    at::Tensor tokens, placed;  // (B, N, width): as the encoder gave them, and with their positions
  };
  // targets (B, queries, width) float32; gives the new ones and the weights over the memory.
  std::pair<at::Tensor, at::Tensor> operator()(const at::Tensor& targets, const at::Tensor& query_positions,
                                               const Memory& memory, const DetectionRun& run) const;
  HeadAttention own, cross;
  HeadFeedForward feed_forward;
  LayerNorm norm1, norm2, norm3;
};

}  // namespace pillar
