// Internal: weights of a list of tensors, as a new model starts.
#pragma once

#include "pillar/model/weights.h"

#include <cstdint>
#include <vector>

namespace pillar {

// One tensor a name; a name listed twice counts once. Same seed, same bits, whatever else is listed.
WeightMap drawn_weights(const std::vector<WeightSpec>& specs, std::uint64_t seed);

}  // namespace pillar
