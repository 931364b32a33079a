// What comes back from a GPU.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

namespace pillar {

// A copy on the CPU, queued where `tensor` is made. wait() waits for it alone: Tensor::cpu() would wait for
// what other threads have queued since then, too, and so leave the device without work when it returns.
class QueuedCopy {
 public:
  explicit QueuedCopy(const at::Tensor& tensor);
  at::Tensor wait() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pillar
