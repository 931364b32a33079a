// Internal: how many studies of each kind every bootstrap replicate holds.
#pragma once

#include "metrics/shared/resamples.h"

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

// `unit_n`, `cell_n`: the unit that each study belongs to, and its kind, from 0 to cells - 1. Returns
// (replicates, cells) numbers of studies.
std::vector<std::int64_t> replicate_counts(std::span<const std::uint32_t> unit_n,
                                           std::span<const std::uint32_t> cell_n, std::int64_t cells,
                                           const Resamples& resamples);

}  // namespace pillar
