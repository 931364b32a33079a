// Work of a GPU that is recorded once, as a CUDA graph, and then replayed: its hundreds of launches become
// one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

class RecordedWork {
 public:
  // Calls `work` twice as it is, so that libraries choose their algorithms, and once more to record it. It
  // reads what stays where it is, and never waits for the device. `what`: "the pass of this model"; throws
  // Error(unsupported) that says what it has that cannot be recorded.
  RecordedWork(at::Device device, const std::string& what, const std::function<at::Tensor()>& work);
  // Does it anew, in the current queue of the device. What it gives is overwritten by the next replay.
  const at::Tensor& replay() const;

 private:
  at::Device device_;
  at::Tensor result_;
  std::shared_ptr<void> graph_;  // freed before the result, whose memory is its own
};

}  // namespace pillar
