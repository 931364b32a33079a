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
  // A last batch of one study joins the one before, which then has one more than `batch`.
  bool join_single = false;
};

// Throws Error(usage) unless batch, micro_batch and world are at least 1 and rank is one of the world's.
void check_batch_shape(const BatchShape& shape);

// At least 1: a pool smaller than a batch is one batch.
std::int64_t steps_per_epoch(std::int64_t count, const BatchShape& shape);

// Of what is left of an epoch: 0 where that is nothing, or less than a batch that drop_last leaves out.
std::int64_t steps_of_rest(std::int64_t count, const BatchShape& shape);

struct StepRange {
  std::int64_t begin = 0, end = 0;  // positions in the epoch's permutation
};
// Of one step within an epoch: `batch` positions, fewer (or one more) in the last.
StepRange step_range(std::int64_t count, const BatchShape& shape, std::int64_t step_in_epoch);

// That range cut into micro-batches, in order; ranks take consecutive ones, so that micro-batch k of a step
// has the same studies whatever the world's size. Where they do not divide, the first ranks take one more;
// of a small last batch some ranks may get none.
struct MicroRange {
  std::int64_t begin = 0, end = 0;
  std::int64_t index = 0;  // within the step, over all ranks
};
std::vector<MicroRange> micro_ranges(const StepRange& range, const BatchShape& shape);

// Where a pool's studies stand when a run goes on. The rest of an epoch is known by its studies, so that it
// stays what it is when others are lost or added.
struct EpochStart {
  std::int64_t step = 0;           // the next one
  std::int64_t epoch = 0;          // that it belongs to
  std::int64_t position = 0;       // in the epoch: how many studies its steps have taken
  std::vector<std::int64_t> rest;  // studies of that epoch that are left, in order; none used at position 0
};

// Which step belongs to which epoch: from `origin_step`, where the epoch `origin_epoch` begins, each has as
// many steps. Steps before it belong to the epoch before.
struct EpochClock {
  std::int64_t steps = 1;
  std::int64_t origin_step = 0, origin_epoch = 0;

  std::int64_t epoch_of(std::int64_t step) const;
  bool begins(std::int64_t step) const;  // an epoch does with this step
};
// Throws Error(usage) for a start that makes no sense.
EpochClock epoch_clock(const EpochStart& start, std::int64_t steps, const BatchShape& shape);

}  // namespace pillar
