#include "rave/video/container_claims.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

namespace pillar {
namespace {

std::uint64_t big_endian(ByteView bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}

[[noreturn]] void fail_cut_off(const std::string& name, std::uint64_t missing) {
  fail(ErrorCategory::input, "{}: cut off: at least {} bytes are missing", name, missing);
}

bool is_container(std::string_view type) {
  constexpr std::array<std::string_view, 5> names = {"moov", "trak", "mdia", "minf", "stbl"};
  return std::find(names.begin(), names.end(), type) != names.end();
}

// ISO/IEC 14496-12 boxes. The recursion is as deep as the names above nest.
void check_boxes(ByteView boxes, int depth, std::uint64_t file_bytes, const std::string& name) {
  while (boxes.size() >= 8) {
    std::uint64_t size = big_endian(boxes, 0, 4);
    const std::string_view type(reinterpret_cast<const char*>(boxes.data()) + 4, 4);
    std::size_t header = 8;
    if (size == 1 && boxes.size() >= 16) {
      size = big_endian(boxes, 8, 8);
      header = 16;
    }
    if (size == 0) size = boxes.size();
    if (size < header) return;
    if (size > boxes.size()) fail_cut_off(name, size - boxes.size());
    const ByteView body = boxes.subspan(header, size - header);
    if (is_container(type) && depth < 5) check_boxes(body, depth + 1, file_bytes, name);
    if ((type == "stsz" || type == "stz2") && body.size() >= 12 && big_endian(body, 8, 4) > file_bytes) {
      fail(ErrorCategory::input, "{}: claims {} frames in {} bytes", name, big_endian(body, 8, 4),
           file_bytes);
    }
    boxes = boxes.subspan(size);
  }
}

// The size field of an EBML element (RFC 8794) at the beginning of `bytes`, which it is taken off; all ones:
// unknown.
std::optional<std::uint64_t> take_ebml_size(ByteView& bytes) {
  if (bytes.empty() || bytes[0] == 0) return std::nullopt;
  const auto length = static_cast<std::size_t>(std::countl_zero(bytes[0])) + 1;
  if (bytes.size() < length) return std::nullopt;
  const std::uint64_t mask = (std::uint64_t{1} << 7 * length) - 1;
  const std::uint64_t value = big_endian(bytes, 0, length) & mask;
  bytes = bytes.subspan(length);
  if (value == mask) return std::nullopt;
  return value;
}

void check_matroska(ByteView file, const std::string& name) {
  constexpr std::uint64_t kSegment = 0x18538067;
  ByteView rest = file.subspan(4);
  const auto header = take_ebml_size(rest);
  if (!header || *header > rest.size()) return;
  rest = rest.subspan(*header);
  if (rest.size() < 4 || big_endian(rest, 0, 4) != kSegment) return;
  rest = rest.subspan(4);
  const auto segment = take_ebml_size(rest);
  if (segment && *segment > rest.size()) fail_cut_off(name, *segment - rest.size());
}

}  // namespace

void check_container_claims(ByteView file, const std::string& name) {
  constexpr std::uint64_t kEbml = 0x1A45DFA3;
  if (file.size() < 12) return;
  if (big_endian(file, 0, 4) == kEbml) {
    check_matroska(file, name);
  } else if (std::string_view(reinterpret_cast<const char*>(file.data()) + 4, 4) == "ftyp") {
    check_boxes(file, 0, file.size(), name);
  }
}

}  // namespace pillar
