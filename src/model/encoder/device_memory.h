// What a pass on a GPU needs of its memory, and how many tokens go at once in what is free.
#pragma once

#include "pillar/model/atlas_config.h"

#include "model/atlas/scale_layout.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

struct TokenMemory {
  std::uint64_t kept_bytes = 0;  // tokens of all scales and the patch embed's grid, float32
  std::uint64_t row_bytes = 0;   // of one token in work: sum, norm, queries, keys, values, hidden layer
  std::int64_t rows = 0;         // of the finest scale
};
TokenMemory token_memory(const AtlasConfig& config, const Size3& tokens_dhw, std::int64_t batch,
                         at::ScalarType compute);

// Execution::tokens_at_once: 0, which is all of them, where `free_bytes` suffice; else what fits, but never
// fewer than 2,048, so that a device that has less says that it is out of memory.
std::int64_t tokens_that_fit(const TokenMemory& memory, std::uint64_t free_bytes);

}  // namespace pillar
