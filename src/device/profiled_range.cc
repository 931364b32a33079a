#include "device/shared/profiled_range.h"

#include <torch/csrc/profiler/stubs/base.h>

namespace pillar {

// LibTorch's CUDA half, which is opened when a device is first wanted, puts NVTX behind these calls.
using torch::profiler::impl::cudaStubs;

ProfiledRange::ProfiledRange(const std::string& name, const at::Device& device)
    : open_(device.is_cuda() && cudaStubs()->enabled()) {
  if (open_) cudaStubs()->rangePush(name.c_str());
}

ProfiledRange::~ProfiledRange() {
  if (open_) cudaStubs()->rangePop();
}

}  // namespace pillar
