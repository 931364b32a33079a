// The heads of finetuning in plain LibTorch calls, as the public code has them: attentions are matrices.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/nn/weight_files.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

struct PlainHeadsOutput {
  at::Tensor logits;       // (B, years)
  at::Tensor pred_logits;  // (B, queries, classes + 1)
  at::Tensor pred_boxes;   // (B, queries, 6)
};

// Attention pooling, hazards and detection on activ_bctyx (B, C, T, T, X), in float32. `weights` have the
// official names, `train` asks for dropout.
PlainHeadsOutput plain_heads(const WeightMap& weights, const DetectionHeadConfig& detection,
                             const at::Tensor& activ_bctyx, bool train);

// Bytes that its detection head's attentions among all tokens take in training, roughly.
double plain_attention_bytes(const DetectionHeadConfig& detection, std::int64_t tokens);

}  // namespace pillar::bench
