#include "data/loader/model_queue.h"

namespace pillar {

ModelQueue::ModelQueue(int batches, std::function<ScanBatchSteps::Keep(const at::Tensor&)> compute)
    : batches_(batches), compute_(std::move(compute)) {
  if (batches_ > 1) threads_ = std::make_unique<ThreadPool>(batches_);
}

bool ModelQueue::is_next_done() const {
  return !given_.empty() &&
         given_.front().result.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void ModelQueue::give(std::vector<PendingScan> scans, at::Tensor voxels_bcdhw) {
  using Task = std::packaged_task<ScanBatchSteps::Keep()>;
  const auto task = std::make_shared<Task>([this, voxels = std::move(voxels_bcdhw)] {
    count(1);
    try {
      ScanBatchSteps::Keep keep = compute_(voxels);
      count(-1);
      return keep;
    } catch (...) {
      count(-1);
      throw;
    }
  });
  given_.push_back({std::move(scans), task->get_future()});
  if (threads_)
    threads_->submit([task] { (*task)(); });
  else
    (*task)();
}

std::optional<GivenBatch> ModelQueue::take() {
  if (given_.empty()) return std::nullopt;
  GivenBatch batch = std::move(given_.front());
  given_.pop_front();
  batch.result.wait();
  return batch;
}

double ModelQueue::idle_seconds() const {
  const std::lock_guard lock(mutex_);
  if (computing_ > 0) return idle_seconds_;
  return idle_seconds_ + std::chrono::duration<double>(Clock::now() - idle_since_).count();
}

void ModelQueue::count(int batches) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  if (computing_ == 0) idle_seconds_ += std::chrono::duration<double>(now - idle_since_).count();
  computing_ += batches;
  if (computing_ == 0) idle_since_ = now;
}

}  // namespace pillar
