#include "rave/mp4_claims.h"

#include "core/fail.h"

#include <algorithm>
#include <string_view>

namespace pillar {
namespace {

std::uint64_t big_endian(ByteView bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

bool is_container(std::string_view type) {
  constexpr std::array<std::string_view, 5> names = {"moov", "trak", "mdia", "minf", "stbl"};
  return std::find(names.begin(), names.end(), type) != names.end();
}

// Boxes are nested at most as deep as the names above go, so the recursion is bounded.
void check_boxes(ByteView boxes, int depth, std::uint64_t file_bytes, const std::string& name) {
  while (boxes.size() >= 8) {
    std::uint64_t size = big_endian(boxes, 0, 4);
    std::string_view type(reinterpret_cast<const char*>(boxes.data()) + 4, 4);
    std::size_t header = 8;
    if (size == 1 && boxes.size() >= 16) {
      size = big_endian(boxes, 8, 8);
      header = 16;
    }
    if (size == 0) size = boxes.size();
    size = std::min<std::uint64_t>(size, boxes.size());
    if (size < header) return;
    ByteView body = boxes.subspan(header, size - header);
    if (is_container(type) && depth < 5) check_boxes(body, depth + 1, file_bytes, name);
    if ((type == "stsz" || type == "stz2") && body.size() >= 12 && big_endian(body, 8, 4) > file_bytes) {
      fail(ErrorCategory::input, "{}: claims {} frames in {} bytes", name, big_endian(body, 8, 4),
           file_bytes);
    }
    boxes = boxes.subspan(size);
  }
}

}  // namespace

void check_mp4_claims(ByteView file, const std::string& name) {
  check_boxes(file, 0, file.size(), name);
}

}  // namespace pillar
