#include "image/dicom/dicom_rle.h"

#include "pillar/core/fail.h"

#include <bit>
#include <span>

namespace pillar {
namespace {

static_assert(std::endian::native == std::endian::little, "a pixel's low byte comes first");

constexpr std::size_t header_bytes = 64;  // the number of segments and the offsets of up to 15

std::uint32_t header_word(const std::vector<char>& bytes, std::size_t index) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[4 * index + i]);
  return value;
}

// Every `stride`-th byte from `target`, `count` of them. Whether the segment has that many.
bool unpack(std::span<const char> segment, std::uint8_t* target, std::size_t count, std::size_t stride) {
  std::size_t done = 0;
  std::size_t at = 0;
  while (done < count && at < segment.size()) {
    const int control = static_cast<signed char>(segment[at++]);
    if (control == -128) continue;
    const bool is_run = control < 0;
    const std::size_t length = static_cast<std::size_t>(is_run ? 1 - control : 1 + control);
    if (done + length > count || at + (is_run ? 1 : length) > segment.size()) return false;
    for (std::size_t i = 0; i < length; ++i) {
      target[(done + i) * stride] = static_cast<std::uint8_t>(segment[is_run ? at : at + i]);
    }
    at += is_run ? 1 : length;
    done += length;
  }
  return done == count;
}

}  // namespace

void decode_rle(const std::vector<char>& bytes, int frame, const PixelLayout& layout,
                const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes) {
  const std::size_t segments = static_cast<std::size_t>(layout.bits_allocated / 8);
  const auto damaged = [&](const char* what) {
    fail(ErrorCategory::input, "{}: run-length coded frame {}: {}", path, frame + 1, what);
  };
  if (bytes.size() < header_bytes) damaged("truncated");
  if (header_word(bytes, 0) != segments) damaged("it has not one segment for each byte of a pixel");
  const std::size_t pixels = static_cast<std::size_t>(layout.rows) * static_cast<std::size_t>(layout.columns);
  for (std::size_t i = 0; i < segments; ++i) {  // high bytes first
    const std::size_t begin = header_word(bytes, i + 1);
    const std::size_t end = i + 1 < segments ? header_word(bytes, i + 2) : bytes.size();
    if (begin < header_bytes || begin > end || end > bytes.size())
      damaged("a segment lies outside the frame");
    if (!unpack(std::span(bytes).subspan(begin, end - begin), frame_bytes.data() + (segments - 1 - i), pixels,
                segments)) {
      damaged("a segment has too few or too many bytes");
    }
  }
}

}  // namespace pillar
