// Where kernels are tested: compiled for the CPU (device/cuda_on_cpu/run.h), and on a GPU where there is one.
#pragma once

#include "device/shared/cuda_module.h"

#include <vector>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>

namespace pillar::test {

struct KernelPlace {
  at::Device device = at::kCPU;
  const CudaModule* kernels = nullptr;
};

inline const CudaModule& kernels_on_cpu() {
  static const CudaModule kernels = {pillar_cuda_windows,  pillar_cuda_layer_norm, pillar_cuda_epilogue,
                                     pillar_cuda_max_pool, pillar_cuda_merge,      pillar_cuda_error};
  return kernels;
}

inline std::vector<KernelPlace> kernel_places() {
  std::vector<KernelPlace> places = {{at::kCPU, &kernels_on_cpu()}};
  if (cuda_available()) places.push_back({at::Device(at::kCUDA, 0), &cuda_module()});
  return places;
}

// While one exists, new tensors hold NaN: what a kernel leaves unwritten is seen.
class PoisonedMemory {
 public:
  PoisonedMemory() { at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true); }
  ~PoisonedMemory() { at::globalContext().setDeterministicAlgorithms(false, false); }
  PoisonedMemory(const PoisonedMemory&) = delete;
  PoisonedMemory& operator=(const PoisonedMemory&) = delete;
};

}  // namespace pillar::test
