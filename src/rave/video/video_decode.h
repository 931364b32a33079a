// Internal: decoding of lossless streams, whose values are codes plus an offset.
#pragma once

#include "pillar/rave/video.h"

namespace pillar {

// (n,H,W) int16 or uint16 tensor of code + offset. The caller makes sure that all sums fit `dtype`.
at::Tensor decode_video_offset(ByteView file, const std::string& name, at::ScalarType dtype,
                               std::int64_t offset, SliceRange range, int threads);

}  // namespace pillar
