// The Qwen3 decoder as the public code writes it down, in LibTorch's own operators, on padded batches: what
// the text encoder is measured against.
#pragma once

#include "pillar/nn/weight_files.h"
#include "pillar/text/qwen3_model.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

// (texts, width) float32, mean pooled, of length 1. Batches of `batch` texts in their order, padded to the
// longest of each; keys repeated for the heads that share them; a mask of causality and padding; every
// operator a pass of its own over the whole batch, in float32. `weights` have bare names.
at::Tensor plain_qwen3(const std::vector<TokenIds>& texts, const WeightMap& weights,
                       const Qwen3Config& config, std::int64_t batch);

}  // namespace pillar::bench
