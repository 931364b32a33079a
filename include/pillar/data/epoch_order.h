// Which studies a step sees: a function of seed, step and sizes alone, never of threads or of what ran
// before.
#pragma once

#include <cstdint>
#include <vector>

namespace pillar {

// A permutation of 0..count-1, the same on every machine. Throws Error(usage) for a negative count.
std::vector<std::int64_t> epoch_permutation(std::int64_t count, std::uint64_t seed, std::int64_t epoch);

// As many draws with replacement as there are weights, each index by its weight, the same on every machine.
// Throws Error(usage) unless all are finite, none is negative and not all are 0.
std::vector<std::int64_t> weighted_order(const std::vector<double>& weights, std::uint64_t seed,
                                         std::int64_t epoch);

struct BatchShape {
  std::int64_t batch = 0;        // studies of a step, all ranks together
  std::int64_t micro_batch = 0;  // studies of one forward pass
  std::int64_t rank = 0;
  std::int64_t world = 1;
  bool drop_last = false;  // leave out an epoch's last, smaller batch
};

// Throws Error(usage) unless batch, micro_batch and world are at least 1 and rank is one of the world's.
void check_batch_shape(const BatchShape& shape);

// At least 1: a pool smaller than a batch is one batch.
std::int64_t steps_per_epoch(std::int64_t count, const BatchShape& shape);

struct StepRange {
  std::int64_t begin = 0, end = 0;  // positions in the epoch's permutation
};
// Of one step within an epoch: `batch` positions, fewer in the last.
StepRange step_range(std::int64_t count, const BatchShape& shape, std::int64_t step_in_epoch);

// That range cut into micro-batches, in order; ranks take consecutive ones, so that micro-batch k of a step
// has the same studies whatever the world's size. Where they do not divide, the first ranks take one more;
// of a small last batch some ranks may get none.
struct MicroRange {
  std::int64_t begin = 0, end = 0;
  std::int64_t index = 0;  // within the step, over all ranks
};
std::vector<MicroRange> micro_ranges(const StepRange& range, const BatchShape& shape);

}  // namespace pillar
