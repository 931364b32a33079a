// Internal: memory of micro-batches that comes back when nobody holds the tensor any more, and is given out
// again: the system clears fresh pages, which for a fast codec is a fifth of the time of loading.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

class BatchMemory : public std::enable_shared_from_this<BatchMemory> {
 public:
  static std::shared_ptr<BatchMemory> make() { return std::shared_ptr<BatchMemory>(new BatchMemory); }

  // A contiguous tensor, not initialized, which may outlive this. Thread-safe, its release too.
  at::Tensor take(at::IntArrayRef shape, at::ScalarType dtype);

  std::size_t kept() const;  // blocks that wait to be used again

 private:
  BatchMemory() = default;
  at::Tensor block_of(std::size_t bytes);
  void give_back(at::Tensor block);

  mutable std::mutex mutex_;
  std::vector<at::Tensor> free_;  // the oldest first
};

}  // namespace pillar
