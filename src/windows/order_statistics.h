// Internal: values by rank, exact.
#pragma once

#include "windows/histogram.h"

#include <cstdint>
#include <vector>

namespace pillar::windows {

// The key with `rank` smaller or equal ones before it (0: the smallest), and how many of those have the same
// key.
struct RankedKey {
  std::uint16_t key = 0;
  std::uint64_t rank_within = 0;
};
RankedKey key_at_rank(const Histogram& histogram, std::uint64_t rank);

// Values at the given ranks of `count` finite floats: a radix selection, two passes over the voxels and no
// copy of them.
std::vector<float> values_at_ranks(const float* voxels, std::int64_t count,
                                   const std::vector<std::uint64_t>& ranks, int threads);

// Between which two ranks a percentile lies, and how far from the first to the second: linear, as
// torch.quantile has it.
struct PercentileRank {
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  double fraction = 0;
};
PercentileRank percentile_rank(double percent, std::int64_t count);

// The percentile, by the values at its two ranks.
inline double between(const PercentileRank& rank, double below, double above) {
  return below + (above - below) * rank.fraction;
}

}  // namespace pillar::windows
