// Internal: encoding slice by slice, so that no second copy of a volume is made for its codes.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/rave/video.h"

#include <functional>

namespace pillar {

// Writes the height * width codes of a slice.
using SliceFill = std::function<void(std::int64_t slice, std::uint16_t* codes)>;

Bytes encode_slices(const SizeDhw& size_dhw, const VideoEncodeOptions& options, const SliceFill& fill);

// From 32 x 32 up. Below, both encoders lose voxels without a word: libx265 3.5 at widths under 17 (lossless
// streams that decode to something else), libavcodec 5.1's FFV1 at sides under 3 (zeros).
bool video_can_hold(const SizeDhw& size_dhw) noexcept;

}  // namespace pillar
