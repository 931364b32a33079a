// Internal: counts of 16-bit keys, the base of exact percentiles without sorting or copying a volume.
#pragma once

#include "pillar/core/thread_pool.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <mutex>
#include <vector>

namespace pillar::windows {

constexpr std::int64_t kKeys = 65536;
using Histogram = std::vector<std::uint64_t>;

// Keys ascend as the values do.
inline std::uint16_t key_of(std::uint16_t value) {
  return value;
}
inline std::uint16_t key_of(std::int16_t value) {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(value) ^ 0x8000u);
}
inline std::uint32_t key_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bits ^ ((bits & 0x80000000u) != 0 ? 0xffffffffu : 0x80000000u);
}
inline float value_of_float_key(std::uint32_t key) {
  return std::bit_cast<float>(key ^ ((key & 0x80000000u) != 0 ? 0x80000000u : 0xffffffffu));
}

// Calls add(first, last, counts) for parts of [0,count) on `threads` threads, each with `cells` counters of
// its own, and returns the sum of them all. Counts of a part stay below 2^32.
template <typename Add>
Histogram count_in_parts(std::int64_t count, std::int64_t cells, int threads, const Add& add) {
  constexpr std::int64_t kLargestPart = std::int64_t{1} << 31;
  const std::int64_t parts = std::max<std::int64_t>(threads, (count + kLargestPart - 1) / kLargestPart);
  Histogram total(static_cast<std::size_t>(cells), 0);
  std::mutex mutex;
  parallel_for(parts, threads, [&](std::int64_t part) {
    std::vector<std::uint32_t> counts(static_cast<std::size_t>(cells), 0);
    add(count * part / parts, count * (part + 1) / parts, counts.data());
    const std::lock_guard lock(mutex);
    for (std::int64_t i = 0; i < cells; ++i) total[i] += counts[i];
  });
  return total;
}

template <typename Voxel>
Histogram value_histogram(const Voxel* voxels, std::int64_t count, int threads) {
  static_assert(sizeof(Voxel) == 2);
  return count_in_parts(count, kKeys, threads,
                        [voxels](std::int64_t first, std::int64_t last, std::uint32_t* counts) {
                          for (std::int64_t i = first; i < last; ++i) ++counts[key_of(voxels[i])];
                        });
}

}  // namespace pillar::windows
