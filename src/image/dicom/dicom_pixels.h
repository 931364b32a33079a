// Internal: stored pixel values of one DICOM file, a frame at a time.
#pragma once

#include "pillar/image/dicom_series.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace pillar {

// No compression makes more of a file than this ratio: what claims more, beyond what is always allowed, is
// refused before any memory is taken. (A blank plane shrinks a thousandfold.)
inline constexpr std::uint64_t kLargestRatio = 4096;
inline constexpr std::uint64_t kAlwaysAllowedBytes = 1u << 24;

// Holds the header and, while read() runs, one frame: the rest of the pixel data stays on disk.
class DicomPixels {
 public:
  // Throws Error(input) on a damaged file, missing or truncated pixel data, or impossible bit counts;
  // Error(unsupported) on colour, floating-point pixels, a modality look-up table, or a transfer syntax
  // without a decoder.
  explicit DicomPixels(const std::filesystem::path& path);
  ~DicomPixels();
  DicomPixels(const DicomPixels&) = delete;
  DicomPixels& operator=(const DicomPixels&) = delete;

  // Rows x Columns values: BitsStored bits below HighBit, sign-extended where PixelRepresentation says so.
  // Overlay bits above are dropped.
  const std::vector<std::int32_t>& read(int frame);
  // The plane's frame, or its tile of it. Throws Error(input) where the file has another matrix by now.
  const std::vector<std::int32_t>& read_plane(const DicomPlane& plane);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
