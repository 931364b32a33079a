// Internal: the skeleton of a DICOM file, checked before a recursive parser sees it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pillar {

struct DicomStructure {
  std::string transfer_syntax;  // UID (0002,0010)
  bool has_preamble = true;     // false: a bare data set, as some old archives hold
  bool has_pixel_data = false;  // (7FE0,0010) at the top level
  std::string pixel_fault;      // "truncated: 20 of 40 bytes of pixel data", empty if they are all there
};

// Walks all elements in constant stack and memory. Nothing if the file is not DICOM at
// all. Throws Error(io) if it cannot be read, Error(input) if elements before the pixel data end past the
// file or sequences nest so deep that a parser would run out of stack, and Error(unsupported) on a transfer
// syntax that DICOM does not define.
std::optional<DicomStructure> examine_dicom(const std::filesystem::path& path);

}  // namespace pillar
