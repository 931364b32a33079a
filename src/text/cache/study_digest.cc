#include "text/cache/study_digest.h"

#include "pillar/core/sha256.h"

#include <fmt/format.h>

namespace pillar {

StudyDigest study_digest(std::string_view study_id) {
  return sha256(as_bytes(study_id));
}

std::string to_hex(const StudyDigest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<StudyDigest> parse_digest(std::string_view hex) {
  StudyDigest digest = {};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
    digest[i / 2] = static_cast<std::uint8_t>(digest[i / 2] << 4 | (is_digit ? c - '0' : c - 'a' + 10));
  }
  return digest;
}

}  // namespace pillar
