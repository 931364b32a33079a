// Internal: the skeleton of a DICOM file, checked before a recursive parser sees it.
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// Bytes that a reader must see in place of those in the file.
struct DicomRepair {
  std::uint64_t begin = 0;  // in the file
  std::uint64_t erased = 0;
  std::string inserted;
};

struct DicomStructure {
  std::string transfer_syntax;       // UID (0002,0010) that the data set is read by, whatever the file claims
  std::uint64_t data_begin = 0;      // of the data set: after the preamble and the file meta information
  std::uint64_t data_end = 0;        // after the pixel data; in inflated bytes where the data set is deflated
  std::uint64_t pixels_begin = 0;    // of the pixel data's element, else `data_end`
  std::vector<DicomRepair> repairs;  // in order, within the data set
  std::string oddity;                // what is read although it is not as it should be; empty if nothing
  bool is_deflated = false;
  bool is_plain = true;  // with preamble, meta information and a clean end: a parser may open it itself
  bool has_pixel_data = false;  // (7FE0,0010) at the top level
  std::string pixel_fault;      // "truncated: 20 of 40 bytes of pixel data", empty if they are all there
};

// Walks all elements up to the end of the pixel data in constant stack and memory. Nothing if the file is not
// DICOM at all. What readers agree on is repaired: bytes after the end, delimiters that are missing or zeros,
// another encoding than the transfer syntax says, no preamble, no meta information. Throws Error(io) if it
// cannot be read, Error(input) if elements before the pixel data end past the file or sequences nest so deep
// that a parser would run out of stack, and Error(unsupported) on a transfer syntax that nothing here reads.
std::optional<DicomStructure> examine_dicom(const std::filesystem::path& path);
std::optional<DicomStructure> examine_dicom(ByteView bytes, const std::filesystem::path& path);

}  // namespace pillar
