// Internal: the studies that one rank loads, one after the other, over all its steps.
#pragma once

#include "pillar/data/epoch_order.h"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace pillar {

struct StudyPlace {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  MicroRange micro;           // of the epoch's positions
  std::int64_t position = 0;  // within it
  std::int64_t study = 0;     // index in the pool

  std::size_t slot() const { return static_cast<std::size_t>(position - micro.begin); }
};

// Calls may come from several threads.
class StudySequence {
 public:
  // Unshuffled, every epoch has the pool's order. `weights`, where there are some, are one a study: a
  // shuffled epoch is a draw by them. `start` is at or before first_step. Throws Error(usage).
  StudySequence(std::int64_t studies, const BatchShape& shape, std::uint64_t seed, bool shuffled,
                std::int64_t first_step, std::int64_t end_step, std::vector<double> weights = {},
                EpochStart start = {});

  bool draws() const { return shuffled_ && !weights_.empty(); }  // a study may come twice an epoch
  std::int64_t size() const { return size_; }
  StudyPlace place(std::int64_t item) const;
  std::int64_t epoch_of(std::int64_t step) const { return clock_.epoch_of(step); }
  std::vector<MicroRange> micros_of(std::int64_t step) const;  // of this rank
  EpochStart start_at(std::int64_t step) const;                // of a run that goes on there

 private:
  bool in_rest(std::int64_t step) const { return step < rest_end_step_; }
  StepRange range_of(std::int64_t step) const;  // of the epoch's positions, of all ranks
  std::int64_t items_before(std::int64_t step) const;
  std::int64_t study_at(std::int64_t epoch, std::int64_t position) const;
  std::vector<std::int64_t> order_of(std::int64_t epoch) const;

  std::int64_t studies_;
  std::vector<double> weights_;
  BatchShape shape_;
  std::uint64_t seed_;
  bool shuffled_;
  EpochStart start_;
  std::int64_t rest_end_step_ = 0;  // steps before it take what is left of the first epoch
  EpochClock clock_;
  std::vector<std::int64_t> step_begins_;  // items of an epoch before each of its steps, and all of them
  std::vector<std::int64_t> rest_begins_;  // likewise, of the rest's steps
  std::int64_t first_item_ = 0, size_ = 0;

  using Order = std::shared_ptr<const std::vector<std::int64_t>>;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, Order> orders_;  // of the epochs looked at last
};

}  // namespace pillar
