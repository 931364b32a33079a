#include "pillar/train/training_options.h"

#include "pillar/device/device.h"

namespace pillar {

at::Device training_device(const std::string& text, std::int64_t local_rank) {
  const at::Device device = parse_device(text);
  if (!device.is_cuda() || text.find(':') != std::string::npos) return device;
  return {at::kCUDA, static_cast<at::DeviceIndex>(local_rank)};
}

}  // namespace pillar
