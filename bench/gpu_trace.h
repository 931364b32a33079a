// What a GPU is given to do by a piece of work, as CUPTI sees it through LibTorch's profiler (Kineto).
#pragma once

#include <functional>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

struct GpuTrace {
  double launches = 0;  // of kernels
  double busy_s = 0;    // sum of their seconds
};

// Of one call, which takes longer than it does otherwise. Nothing of a CPU, or where CUPTI does not answer.
std::optional<GpuTrace> trace_gpu(at::Device device, const std::function<void()>& call);

}  // namespace pillar::bench
