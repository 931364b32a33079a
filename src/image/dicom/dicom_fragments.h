// Internal: how pixels are stored, and the compressed bytes of one frame.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {

// How a pixel is stored (0028,0010), (0028,0011), (0028,0100) to (0028,0103).
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

// All fragments of a frame, joined; none stays in DCMTK's memory. Throws Error(input) where they cannot be
// told apart.
std::vector<char> compressed_frame(DcmPixelSequence& fragments, int frame, std::int64_t frames,
                                   const std::filesystem::path& path);

}  // namespace pillar
