// The order in which the public finetuning code draws its training studies, to repeat its runs.
#pragma once

#include <cstdint>
#include <vector>

namespace pillar {

// What every one of `replicas` processes sees in an epoch: all of them the same list of ceil(n / replicas)
// draws with replacement by LibTorch's generator of seed + epoch, one less a process where drop_last is on
// and n does not divide. StudyLoader's draw (StudyPool::weights) gives ranks different parts of one. Throws
// Error(usage) for no weights, one that is negative or not finite, all 0, or no replica.
std::vector<std::int64_t> public_weighted_order(const std::vector<double>& weights, std::uint64_t seed,
                                                std::int64_t epoch, std::int64_t replicas, bool drop_last);

}  // namespace pillar
