#include "metrics/replicate_counts.h"

#include <algorithm>

namespace pillar {

std::vector<std::int64_t> replicate_counts(std::span<const std::uint32_t> unit_n,
                                           std::span<const std::uint32_t> cell_n, std::int64_t cells,
                                           const Resamples& resamples) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(resamples.replicates() * cells));
  std::vector<std::int64_t> lanes(static_cast<std::size_t>(cells * kReplicateLanes));
  for (std::int64_t block = 0; block < resamples.blocks(); ++block) {
    std::fill(lanes.begin(), lanes.end(), 0);
    const std::uint8_t* drawn = resamples.block(block);
    for (std::size_t n = 0; n < unit_n.size(); ++n) {
      std::int64_t* sums = lanes.data() + std::size_t{cell_n[n]} * kReplicateLanes;
      const std::uint8_t* times = drawn + std::size_t{unit_n[n]} * kReplicateLanes;
      for (std::int64_t lane = 0; lane < kReplicateLanes; ++lane) sums[lane] += times[lane];
    }
    const std::int64_t first = block * kReplicateLanes;
    for (std::int64_t lane = 0; lane < std::min(kReplicateLanes, resamples.replicates() - first); ++lane) {
      for (std::int64_t cell = 0; cell < cells; ++cell)
        counts[static_cast<std::size_t>((first + lane) * cells + cell)] =
            lanes[static_cast<std::size_t>(cell * kReplicateLanes + lane)];
    }
  }
  return counts;
}

}  // namespace pillar
