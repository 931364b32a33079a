#include "windows/order_statistics.h"

#include <cmath>

namespace pillar::windows {

RankedKey key_at_rank(const Histogram& histogram, std::uint64_t rank) {
  std::uint64_t before = 0;
  std::size_t key = 0;
  while (key + 1 < histogram.size() && before + histogram[key] <= rank) before += histogram[key++];
  return {static_cast<std::uint16_t>(key), rank - before};
}

std::vector<float> values_at_ranks(const float* voxels, std::int64_t count,
                                   const std::vector<std::uint64_t>& ranks, int threads) {
  const Histogram high = count_in_parts(
      count, kKeys, threads, [voxels](std::int64_t first, std::int64_t last, std::uint32_t* counts) {
        for (std::int64_t i = first; i < last; ++i) ++counts[key_of(voxels[i]) >> 16];
      });
  // Second pass: the low halves, only of keys whose high half holds a rank asked for.
  std::vector<std::int32_t> slot_of_high(kKeys, -1);
  std::vector<RankedKey> ranked;
  std::int32_t slots = 0;
  for (const std::uint64_t rank : ranks) {
    ranked.push_back(key_at_rank(high, rank));
    std::int32_t& slot = slot_of_high[ranked.back().key];
    if (slot < 0) slot = slots++;
  }
  const Histogram low = count_in_parts(count, slots * kKeys, threads,
                                       [&](std::int64_t first, std::int64_t last, std::uint32_t* counts) {
                                         for (std::int64_t i = first; i < last; ++i) {
                                           const std::uint32_t key = key_of(voxels[i]);
                                           const std::int32_t slot = slot_of_high[key >> 16];
                                           if (slot >= 0) ++counts[slot * kKeys + (key & 0xffffu)];
                                         }
                                       });
  std::vector<float> values;
  for (const RankedKey& one : ranked) {
    const auto begin = low.begin() + slot_of_high[one.key] * kKeys;
    const RankedKey within = key_at_rank(Histogram(begin, begin + kKeys), one.rank_within);
    values.push_back(value_of_float_key(std::uint32_t{one.key} << 16 | within.key));
  }
  return values;
}

PercentileRank percentile_rank(double percent, std::int64_t count) {
  const double rank = percent / 100 * static_cast<double>(count - 1);
  const double below = std::clamp(std::floor(rank), 0.0, static_cast<double>(count - 1));
  const double above = std::min(below + 1, static_cast<double>(count - 1));
  return {static_cast<std::uint64_t>(below), static_cast<std::uint64_t>(above), rank - below};
}

}  // namespace pillar::windows
