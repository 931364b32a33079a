#include "image/dicom/dicom_text.h"

#include <cstdint>

#include <iconv.h>

namespace pillar {
namespace {

// A coded character set that an escape sequence calls up. The C library knows those of two bytes as EUC, in
// which their bytes have the high bit.
struct CodedSet {
  std::string_view escape;  // without ESC
  std::string_view term;    // of SpecificCharacterSet
  const char* encoding;     // for iconv
  bool is_g0;               // of bytes without the high bit
  const char* before;       // each character
  int bytes;
};

constexpr CodedSet coded_sets[] = {
    {"(B", "IR 6", "ASCII", true, "", 1},
    {"(J", "", "ASCII", true, "", 1},
    {")I", "IR 13", "SHIFT_JIS", false, "", 1},
    {"$B", "IR 87", "EUC-JP", true, "", 2},
    {"$@", "", "EUC-JP", true, "", 2},
    {"$(D", "IR 159", "EUC-JP", true, "\x8f", 2},
    {"$)C", "IR 149", "EUC-KR", false, "", 2},
    {"$)A", "IR 58", "EUC-CN", false, "", 2},
    {"-A", "IR 100", "ISO-8859-1", false, "", 1},
    {"-B", "IR 101", "ISO-8859-2", false, "", 1},
    {"-C", "IR 109", "ISO-8859-3", false, "", 1},
    {"-D", "IR 110", "ISO-8859-4", false, "", 1},
    {"-L", "IR 144", "ISO-8859-5", false, "", 1},
    {"-G", "IR 127", "ISO-8859-6", false, "", 1},
    {"-F", "IR 126", "ISO-8859-7", false, "", 1},
    {"-H", "IR 138", "ISO-8859-8", false, "", 1},
    {"-M", "IR 148", "ISO-8859-9", false, "", 1},
    {"-T", "IR 166", "TIS-620", false, "", 1},
};
constexpr const CodedSet& ascii = coded_sets[0];

// One character of a set, in the encoding's own bytes.
std::string one_as_utf8(std::string bytes, const char* encoding) {
  const iconv_t converter = ::iconv_open("UTF-8", encoding);
  if (converter == reinterpret_cast<iconv_t>(-1)) return "?";
  char out[16];
  char* in_at = bytes.data();
  char* out_at = out;
  std::size_t in_left = bytes.size(), out_left = sizeof out;
  const std::size_t status = ::iconv(converter, &in_at, &in_left, &out_at, &out_left);
  ::iconv_close(converter);
  if (status == static_cast<std::size_t>(-1) || in_left > 0) return "?";
  return {out, sizeof out - out_left};
}

const CodedSet* escaped_set(std::string_view behind_escape) {
  for (const CodedSet& set : coded_sets) {
    if (behind_escape.starts_with(set.escape)) return &set;
  }
  return nullptr;
}

// The set of bytes with the high bit before any escape sequence: the first that SpecificCharacterSet names.
const CodedSet* first_set(std::string_view character_sets) {
  const std::string_view first = character_sets.substr(0, character_sets.find('\\'));
  for (const CodedSet& set : coded_sets) {
    if (!set.is_g0 && first.ends_with(set.term)) return &set;
  }
  return nullptr;
}

}  // namespace

std::string iso_2022_as_utf8(std::string_view text, std::string_view character_sets) {
  const CodedSet* low = &ascii;
  const CodedSet* high = first_set(character_sets);
  std::string out;
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      text.remove_prefix(1);
      const CodedSet* set = escaped_set(text);
      if (set == nullptr) continue;
      (set->is_g0 ? low : high) = set;
      text.remove_prefix(set->escape.size());
      continue;
    }
    const bool is_high = (static_cast<std::uint8_t>(text.front()) & 0x80) != 0;
    const CodedSet* set = is_high ? high : low;
    if (set == &ascii || text.front() == ' ') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t count = set == nullptr ? 1 : static_cast<std::size_t>(set->bytes);
    std::string bytes(text.substr(0, count));
    text.remove_prefix(bytes.size());
    if (set == nullptr || bytes.size() < count) {
      out += '?';
      continue;
    }
    if (set->is_g0 && count == 2) {
      for (char& byte : bytes) byte = static_cast<char>(byte | 0x80);
    }
    out += one_as_utf8(set->before + bytes, set->encoding);
  }
  return out;
}

}  // namespace pillar
