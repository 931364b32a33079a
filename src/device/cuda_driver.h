// Internal: what the NVIDIA driver says of this machine. The driver alone is asked: LibTorch's CUDA half
// would have to be loaded first, which takes seconds, and it remembers a "no".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct CudaDevice {
  std::string name;                         // "NVIDIA H200"
  std::int32_t major_cc = 0, minor_cc = 0;  // compute capability: 9 and 0
};

struct CudaDriver {
  std::string missing;              // empty: it runs and has devices; else what is missing
  bool is_there = false;            // whether there is a driver at all
  std::vector<CudaDevice> devices;  // as CUDA_VISIBLE_DEVICES leaves them, cuda:0 first
};

// Asked once.
const CudaDriver& cuda_driver();

// Why none of its devices can be used; empty where one can.
std::string why_none(const CudaDriver& driver);

// The N of cuda:N, the largest number where N is too long for any; unset for another word.
std::optional<std::size_t> named_device(std::string_view text);

// The number of the device that cuda:N, cuda or auto means to the process `process` (from 0) of this host: of
// cuda and auto, the first process has the first device that can be used. Throws Error(unsupported) where
// there is no such device, or it cannot be used.
std::size_t choose_device(const CudaDriver& driver, const std::string& text, std::int64_t process);

}  // namespace pillar
