#include "text/qwen3/unicode_text.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

namespace pillar {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

struct Utf8Sequence {
  std::size_t length;  // bytes
  bool is_valid;       // one character; else a maximal invalid sequence
};

// What `text`, which is not empty, begins with. The bounds of the second byte leave out characters in more
// bytes than they need, surrogates, and what lies beyond U+10FFFF (table 3-7 of the Unicode standard).
Utf8Sequence first_sequence(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return {1, false};
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {i, false};
  }
  return {length, true};
}

// Bytes from the beginning on that are valid.
std::size_t valid_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Sequence sequence = first_sequence(text.substr(at));
    if (!sequence.is_valid) break;
    at += sequence.length;
  }
  return at;
}

// Characters below U+0300, whose first byte is below 0xCC, are composed, and nothing before them composes
// with them.
bool is_below_combining(char byte) {
  return static_cast<std::uint8_t>(byte) < 0xCC;
}

bool continues_character(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
}

struct FreeMemory {
  void operator()(utf8proc_uint8_t* memory) const { std::free(memory); }
};

}  // namespace

std::string_view as_valid_utf8(std::string_view text, std::string& buffer) {
  std::size_t valid = valid_length(text);
  if (valid == text.size()) return text;
  buffer.clear();
  while (true) {
    buffer.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return buffer;
    buffer.append(kReplacementCharacter);
    text.remove_prefix(first_sequence(text).length);
    valid = valid_length(text);
  }
}

std::string_view as_nfc(std::string_view text, std::string& buffer) {
  if (std::all_of(text.begin(), text.end(), is_below_combining)) return text;
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, FreeMemory> owner(composed);
  if (length < 0) {
    fail(ErrorCategory::input, "a text of {} bytes cannot be normalized: {}", text.size(),
         utf8proc_errmsg(length));
  }
  buffer.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(length));
  return buffer;
}

std::size_t end_of_character(std::string_view text, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return end;
}

std::size_t begin_of_character(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && continues_character(text[begin])) --begin;
  return begin;
}

}  // namespace pillar
