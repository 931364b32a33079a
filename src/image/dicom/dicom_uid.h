// Internal: DICOM unique identifiers that depend on nothing but a seed.
#pragma once

#include <string>
#include <string_view>

namespace pillar {

// "2.25." and the first 128 bits of the seed's SHA-256 as a decimal number (DICOM PS3.5, B.2).
std::string dicom_uid(std::string_view seed);

// Digits and dots, 64 characters at most.
bool is_dicom_uid(std::string_view text) noexcept;

}  // namespace pillar
