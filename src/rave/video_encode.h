// Internal: encoding slice by slice, so that no second copy of a volume is made for its codes.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/rave/video.h"

#include <functional>

namespace pillar {

// Writes the height * width codes of a slice.
using SliceFill = std::function<void(std::int64_t slice, std::uint16_t* codes)>;

Bytes encode_slices(const SizeDhw& size_dhw, const VideoEncodeOptions& options, const SliceFill& fill);

// libx265 takes no picture smaller than 16 x 16.
bool hevc_can_hold(const SizeDhw& size_dhw) noexcept;

}  // namespace pillar
