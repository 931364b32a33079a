// Internal: which studies of an epoch are left, by name, from checkpoint to checkpoint.
#pragma once

#include "pillar/data/epoch_order.h"
#include "pillar/data/study_pool.h"
#include "pillar/train/run_checkpoint.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

// Of each study's name, in the pool's order: 16 hexadecimal digits, whatever bytes the name has.
std::vector<std::string> study_keys(const StudyPool& pool);

// What a checkpoint keeps of a pool with these keys that stands there. `before`: what the run went on from;
// of its epoch, studies that the pool does not have any more stay seen.
PoolProgress progress_at(const EpochStart& start, const std::vector<std::string>& keys,
                         const PoolProgress& before);

// What was lost and added among the studies of an epoch that is gone on with.
struct EpochChanges {
  std::int64_t lost = 0, added = 0;
};

// Where a pool with these keys stands at that step: what is left of the epoch in its order, without studies
// that are gone; then, in an order drawn from the seed, those that the epoch did not have. With `draws` a
// study may come twice or never, and none is added.
EpochStart resumed_start(const PoolProgress& progress, std::int64_t step,
                         const std::vector<std::string>& keys, std::uint64_t seed, bool draws,
                         EpochChanges& changes);

}  // namespace pillar
