// Internal: DICOM's run-length coding (PS3.5, Annex G). DCMTK's decoder reads past the end of hostile
// segments.
#pragma once

#include "image/dicom/dicom_fragments.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pillar {

// Fills `frame_bytes`, which has the frame's size, with pixels in the machine's byte order. Throws
// Error(input).
void decode_rle(const std::vector<char>& bytes, int frame, const PixelLayout& layout,
                const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes);

}  // namespace pillar
