#include "model/encoder/device_memory.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr std::int64_t kFewestTokens = 2048;
constexpr std::uint64_t kHiddenRatio = 4;  // width of a block's hidden layer over that of its tokens

}  // namespace

TokenMemory token_memory(const AtlasConfig& config, const Size3& tokens_dhw, std::int64_t batch,
                         at::ScalarType compute) {
  const auto dim = static_cast<std::uint64_t>(config.dim);
  const auto element = static_cast<std::uint64_t>(c10::elementSize(compute));
  TokenMemory memory;
  memory.rows = tokens_dhw[0] * tokens_dhw[1] * tokens_dhw[2] * batch;
  // The grid and the finest scale; coarser ones together are less than a seventh of it.
  memory.kept_bytes = static_cast<std::uint64_t>(memory.rows) * dim * sizeof(float) * 15 / 7;
  memory.row_bytes = dim * (sizeof(float) + (1 + 4 + kHiddenRatio) * element);
  return memory;
}

std::int64_t tokens_that_fit(const TokenMemory& memory, std::uint64_t free_bytes) {
  const auto rows = static_cast<std::uint64_t>(memory.rows);
  if (free_bytes >= memory.kept_bytes && (free_bytes - memory.kept_bytes) / memory.row_bytes >= rows)
    return 0;
  const std::uint64_t left = free_bytes > memory.kept_bytes ? free_bytes - memory.kept_bytes : 0;
  return std::max(kFewestTokens, static_cast<std::int64_t>(left / memory.row_bytes));
}

}  // namespace pillar
