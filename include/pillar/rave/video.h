// Video streams of grey slices, encoded and decoded in process (libavcodec with libx265 and FFV1), in memory.
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

// Half-open range of slices; an unset end is the last slice.
struct SliceRange {
  std::int64_t begin = 0;
  std::optional<std::int64_t> end;
  bool whole() const noexcept { return begin == 0 && !end; }
};
SliceRange parse_slice_range(std::string_view text);  // "10:20", ":20", "10:"; throws Error(usage)

enum class VideoKind {
  rave10,  // HEVC yuv420p10le, crf 6: the published stream, chroma unused
  gray12,  // HEVC gray12le, lossless
  gray16,  // FFV1 gray16le, lossless
};

struct VideoInfo {
  VideoKind kind;
  std::int64_t frames = 0;  // as the container counts them; 0 where it does not say
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::string codec;         // "hevc", "ffv1"
  std::string pixel_format;  // "yuv420p10le"
};

struct VideoEncodeOptions {
  VideoKind kind = VideoKind::gray12;
  int crf = 6;                       // rave10 only
  std::string preset = "ultrafast";  // of x265
  int keyframe_interval =
      128;          // slices; a range decodes from the keyframe before it (FFV1: every slice is one)
  int threads = 0;  // 0: all processors
};

// `codes_dhw`: uint16 (D,H,W), values within the kind's bits. Returns a whole mp4 (HEVC) or Matroska (FFV1)
// file, the same bytes whatever the number of threads. Slices are 32 x 32 to 8192 x 8192, those
// of rave10 with even rows and columns: else Error(usage).
Bytes encode_video(const at::Tensor& codes_dhw, const VideoEncodeOptions& options);

// `name` is what messages call the data. Both throw Error(input) naming the fault: not a video, no video
// stream, 8-bit or other unsupported pixels, changing size, damaged or missing frames, a container that
// claims more than it can hold.
VideoInfo probe_video(ByteView file, const std::string& name);

// Decodes slices of `range` and writes table[code] (the code itself where `table` is empty) into an (n,H,W)
// tensor whose dtype is that of the table: int16, or uint16. Frame-threaded. `threads` 0: all processors.
at::Tensor decode_video(ByteView file, const std::string& name, SliceRange range, int threads = 0);
at::Tensor decode_video(ByteView file, const std::string& name, std::span<const std::int16_t> table,
                        SliceRange range, int threads = 0);
at::Tensor decode_video(ByteView file, const std::string& name, std::span<const std::uint16_t> table,
                        SliceRange range, int threads = 0);

}  // namespace pillar
