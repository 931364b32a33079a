#include "pillar/train/training_options.h"

#include "pillar/device/device.h"

namespace pillar {

at::Device training_device(const std::string& text, std::int64_t local_rank) {
  return parse_device(text, local_rank);
}

}  // namespace pillar
