#include "pillar/core/printable.h"

#include <cstdint>

#include <fmt/format.h>

namespace pillar {
namespace {

// Length of the well-formed UTF-8 sequence that `text` begins with, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<std::uint8_t>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<std::uint8_t>(text[0]);
    const bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != 0x7F);
    const std::string next = plain ? std::string(text.substr(0, length)) : fmt::format("\\x{:02X}", byte);
    if (result.size() + next.size() > max_bytes) return result + "...";
    result += next;
    text.remove_prefix(plain ? length : 1);
  }
  return result;
}

bool is_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<std::uint8_t>(text[0]);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    if (length == 0 || control) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace pillar
