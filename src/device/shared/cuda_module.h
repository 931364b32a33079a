// Internal: the CUDA half of LibTorch and our own kernels. No program links either: both are loaded when a
// CUDA device is first asked for.
#pragma once

#include "device/shared/cuda_abi.h"

#include <string>

namespace pillar {

struct CudaModule {
  decltype(&pillar_cuda_windows) windows = nullptr;
  decltype(&pillar_cuda_layer_norm) layer_norm = nullptr;
  decltype(&pillar_cuda_epilogue) epilogue = nullptr;
  decltype(&pillar_cuda_max_pool) max_pool = nullptr;
  decltype(&pillar_cuda_merge) merge = nullptr;
  decltype(&pillar_cuda_error) error = nullptr;
};

// True where a device can be used. The first call loads what there is (seconds, on a machine with a driver)
// and must come before anything asks LibTorch for CUDA, which keeps its first answer.
bool cuda_available();

// What is missing where none can be; empty where one can.
const std::string& cuda_missing();

// Throws Error(unsupported) that says what is missing.
const CudaModule& cuda_module();

// Throws Error(unsupported) naming `what` and the fault, for a code other than 0 of one of the module's
// functions.
void check_cuda(int code, const CudaModule& module, const char* what);

}  // namespace pillar
