#include "pillar/core/fail.h"
#include "pillar/rave/video.h"

#include "rave/video/frame_decoder.h"

#include <charconv>

namespace pillar {
namespace {

// A whole number, or nothing where the text is empty.
std::optional<std::int64_t> parse_bound(std::string_view text, std::string_view range) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || value < 0) {
    fail(ErrorCategory::usage, "'{}' is not a range of slices; write 10:20, 10: or :20", range);
  }
  return value;
}

}  // namespace

SliceRange parse_slice_range(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    fail(ErrorCategory::usage, "'{}' is not a range of slices; write 10:20, 10: or :20", text);
  }
  SliceRange range;
  range.begin = parse_bound(text.substr(0, colon), text).value_or(0);
  range.end = parse_bound(text.substr(colon + 1), text);
  if (range.end && *range.end <= range.begin)
    fail(ErrorCategory::usage, "'{}' is an empty range of slices", text);
  return range;
}

VideoInfo probe_video(ByteView file, const std::string& name) {
  // The pixel format is known for sure only once a frame has been decoded.
  VideoInfo result = {};
  SliceRange first = {0, 1};
  decode_frames(
      file, name, first, 1, [&](const VideoInfo& info, std::int64_t) { result = info; },
      [](std::int64_t, const LumaPlane&) {});
  return result;
}

}  // namespace pillar
