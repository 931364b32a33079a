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
  // shuffled epoch is a draw by them. Throws Error(usage).
  StudySequence(std::int64_t studies, const BatchShape& shape, std::uint64_t seed, bool shuffled,
                std::int64_t first_step, std::int64_t end_step, std::vector<double> weights = {});

  bool draws() const { return shuffled_ && !weights_.empty(); }  // a study may come twice an epoch
  std::int64_t size() const { return size_; }
  StudyPlace place(std::int64_t item) const;
  std::int64_t epoch_of(std::int64_t step) const { return step / steps_; }
  std::vector<MicroRange> micros_of(std::int64_t step) const;  // of this rank

 private:
  std::int64_t items_before(std::int64_t step) const;
  std::int64_t study_at(std::int64_t epoch, std::int64_t position) const;

  std::int64_t studies_;
  std::vector<double> weights_;
  BatchShape shape_;
  std::uint64_t seed_;
  bool shuffled_;
  std::int64_t steps_;                     // of an epoch
  std::vector<std::int64_t> step_begins_;  // items of an epoch before each of its steps, and all of them
  std::int64_t first_item_ = 0, size_ = 0;

  using Order = std::shared_ptr<const std::vector<std::int64_t>>;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, Order> orders_;  // of the epochs looked at last
};

}  // namespace pillar
