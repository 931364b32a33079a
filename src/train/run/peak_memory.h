// Internal: how much memory this process has held at most.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

double peak_resident_megabytes();
double resident_bytes();  // now; 0 where the system does not say

// "1234 MB resident", and with a CUDA device ", 5678 MB on the device" (what LibTorch's allocator has given
// out).
std::string peak_memory_text(at::Device device);

}  // namespace pillar
