#include "pillar/core/file_name.h"

#include <fmt/format.h>

namespace pillar {
namespace {

// A leading dot hides a file, or is "..".
bool must_be_coded(char c, bool first) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || c == '/' || c == '\\' || c == '%' || (c == '.' && first);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string file_stem(const std::string& accession) {
  std::string stem;
  for (std::size_t i = 0; i < accession.size(); ++i) {
    if (must_be_coded(accession[i], i == 0)) {
      stem += fmt::format("%{:02X}", static_cast<unsigned char>(accession[i]));
    } else {
      stem += accession[i];
    }
  }
  return stem;
}

std::string accession_of(const std::string& stem) {
  std::string accession;
  for (std::size_t i = 0; i < stem.size(); ++i) {
    accession += stem[i];
    if (stem[i] != '%' || i + 2 >= stem.size()) continue;
    const int high = hex_digit(stem[i + 1]), low = hex_digit(stem[i + 2]);
    if (high < 0 || low < 0) continue;
    const char c = static_cast<char>(16 * high + low);
    if (!must_be_coded(c, i == 0)) continue;
    accession.back() = c;
    i += 2;
  }
  return accession;
}

}  // namespace pillar
