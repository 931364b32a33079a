// Internal: JPEG 2000 frames, which DCMTK has no decoder for, through GDCM.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {

// How a pixel is stored (0028,0100 to 0028,0103).
struct PixelLayout {
  int rows = 0;
  int columns = 0;
  int bits_allocated = 0;
  int bits_stored = 0;
  int high_bit = 0;
  bool is_signed = false;

  std::uint64_t frame_bytes() const noexcept {
    return static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) *
           static_cast<std::uint64_t>(bits_allocated / 8);
  }
};

bool is_jpeg2000(E_TransferSyntax syntax) noexcept;

// Fills `frame_bytes`, which has the frame's size. Throws Error(input) on a damaged stream or one of another
// size.
void decode_jpeg2000(DcmPixelSequence& fragments, int frame, std::int64_t frames, const PixelLayout& layout,
                     const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes);

}  // namespace pillar
