// Internal: decodes slices of a video stream one after the other and hands each frame on. Used for reading
// and probing.
#pragma once

#include "pillar/rave/video.h"

#include "rave/video/av.h"

#include <functional>

namespace pillar {

// The luma samples of one slice, inside the stream's conformance window.
struct LumaPlane {
  const std::uint8_t* data;
  std::ptrdiff_t stride_bytes;
  std::int64_t height;
  std::int64_t width;
  const std::uint16_t* row(std::int64_t y) const noexcept {
    return reinterpret_cast<const std::uint16_t*>(data + y * stride_bytes);
  }
};
LumaPlane luma_plane(const AVFrame& frame);  // of a frame with 16-bit samples

// What a stream decodes to. `kind` follows from codec and pixel format; throws Error(input) naming both if
// neither fits.
VideoInfo describe_frame(const AVFrame& frame, AVCodecID codec, const std::string& name);

// Called with each slice in order, on the calling thread. The samples are valid only during the call.
using FrameSink = std::function<void(std::int64_t slice_in_range, const LumaPlane& plane)>;

// Called once, before any frame: the stream's kind and size, and how many slices the range has. The place to
// allocate.
using RangeStart = std::function<void(const VideoInfo& info, std::int64_t slices)>;

// Throws Error(usage) if the range does not fit the stream, Error(input) on whatever the decoder reports: it
// is told to conceal nothing.
void decode_frames(ByteView file, const std::string& name, SliceRange range, int threads,
                   const RangeStart& start, const FrameSink& sink);

// Begin and end of a range within `slices`; throws Error(usage) naming both if it does not fit.
std::array<std::int64_t, 2> resolve_range(const SliceRange& range, std::int64_t slices,
                                          const std::string& name);

}  // namespace pillar
