// Internal: JPEG 2000 frames, which DCMTK has no decoder for, through GDCM.
#pragma once

#include "image/dicom/dicom_fragments.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pillar {

bool is_jpeg2000(E_TransferSyntax syntax) noexcept;

// Fills `frame_bytes`, which has the frame's size. Throws Error(input) on a damaged stream or one of another
// size.
void decode_jpeg2000(const std::vector<char>& bytes, int frame, const PixelLayout& layout,
                     const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes);

}  // namespace pillar
