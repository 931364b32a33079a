// Internal: how many tokens a pass may take.
#pragma once

#include "pillar/nn/execution.h"
#include "pillar/nn/weight_files.h"
#include "pillar/text/qwen3_model.h"

namespace pillar {

constexpr std::int64_t kRunTokens = 4096;  // that go through a layer together: the rest of a batch waits

// Numbers of the type of products that a token of a run has room for beside its state: queries, keys and
// values, or both products of the MLP.
std::int64_t run_room_width(const Qwen3Config& config);

// Sizes of `weights` and the largest batch that fits options.memory_gb, or what the machine has free. Throws
// Error(usage), saying how much is needed, where a given bound does not hold one layer and the longest text.
Qwen3Memory plan_memory(const Qwen3Config& config, const WeightMap& weights, const Qwen3Options& options,
                        const Execution& execution);

}  // namespace pillar
