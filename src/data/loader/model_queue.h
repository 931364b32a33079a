// Internal: batches that a model is given at once, and their results in the order in which they were given.
#pragma once

#include "pillar/core/thread_pool.h"
#include "pillar/data/scan_batch.h"

#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace pillar {

// One scan that is loaded and waits for its batch, or is in one.
struct PendingScan {
  std::size_t outcome;  // its place in the summary
  ScanEntry entry;
  SourceIdentity source;
  ModelInput input;
};

// A batch that the model has been given.
struct GivenBatch {
  std::vector<PendingScan> scans;
  std::future<ScanBatchSteps::Keep> result;  // throws what ScanBatchSteps::compute has thrown
};

class ModelQueue {
 public:
  // `compute` runs in the thread that gives, where one batch is given at a time, else in threads of its own.
  ModelQueue(int batches, std::function<ScanBatchSteps::Keep(const at::Tensor&)> compute);

  bool is_full() const { return std::ssize(given_) >= batches_; }
  // Of the oldest batch that was given and not taken: whether take() would not block. False without one.
  bool is_next_done() const;
  // Not where it is full.
  void give(std::vector<PendingScan> scans, at::Tensor voxels_bcdhw);
  // Blocks until the oldest batch is computed; unset where none was given.
  std::optional<GivenBatch> take();
  double idle_seconds() const;  // since the beginning, without a batch at the model

 private:
  using Clock = std::chrono::steady_clock;
  void count(int batches);  // begun, or ended where negative

  const int batches_;
  const std::function<ScanBatchSteps::Keep(const at::Tensor&)> compute_;
  std::deque<GivenBatch> given_;
  mutable std::mutex mutex_;
  int computing_ = 0;
  double idle_seconds_ = 0;
  Clock::time_point idle_since_ = Clock::now();
  std::unique_ptr<ThreadPool> threads_;  // last: they end before what they use
};

}  // namespace pillar
