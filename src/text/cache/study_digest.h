// Internal: what a cache knows a study by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pillar {

using StudyDigest = std::array<std::uint8_t, 32>;

StudyDigest study_digest(std::string_view study_id);  // SHA-256
std::string to_hex(const StudyDigest& digest);
std::optional<StudyDigest> parse_digest(std::string_view hex);  // 64 digits, lower case

}  // namespace pillar
