// Internal: byte-pair encoding (Sennrich et al., arXiv 1508.07909) of one word.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pillar {

struct BytePairMerge {
  std::uint32_t rank;  // the lower goes first
  std::int32_t merged;
};

// A word begins as one token for each byte. Of all neighbours that may merge, those of the lowest rank do,
// from left to right, until none may.
struct BytePairs {
  std::array<std::int32_t, 256> byte_ids{};
  std::unordered_map<std::uint64_t, BytePairMerge> merges;  // by pair_key
};

inline std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

// Appends the ids of `word`, which may be any bytes. Takes time n log n of the word's length.
void append_byte_pair_ids(const BytePairs& pairs, std::string_view word, std::vector<std::int32_t>& ids);

}  // namespace pillar
