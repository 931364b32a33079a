#include "pillar/device/device.h"

#include "pillar/core/fail.h"

#include "device/shared/cuda_module.h"

namespace pillar {

at::Device parse_device(const std::string& text) {
  if (text == "cpu" || (text == "auto" && !cuda_available())) return at::kCPU;
  if (text == "auto") return at::Device(at::kCUDA, 0);
  const bool indexed = text.starts_with("cuda:") && text.size() > 5 && text.size() < 8 &&
                       text.find_first_not_of("0123456789", 5) == std::string::npos;
  if (text != "cuda" && !indexed) {
    fail(ErrorCategory::usage, "unknown device '{}'; one of auto, cpu, cuda, cuda:N", text);
  }
  cuda_module();  // throws, saying what is missing
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(indexed ? std::stoi(text.substr(5)) : 0));
}

}  // namespace pillar
