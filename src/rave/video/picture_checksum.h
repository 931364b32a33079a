// Internal: the "decoded picture hash" of HEVC (ITU-T H.265, D.3.19). libavcodec checks only the MD5 kind,
// which costs an eighth of the decoding time; our streams carry the checksum kind, checked here on the luma
// plane for a few hundredths.
#pragma once

#include "rave/video/av.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pillar {

// The sum over a plane of 16-bit samples, as the standard defines it.
std::uint32_t luma_checksum(const AVFrame& frame);

// The checksum that a packet's SEI gives for the first plane. `length_bytes`: of the NAL units' length
// prefix; 0 where they are separated by start codes instead.
std::optional<std::uint32_t> find_luma_checksum(const std::uint8_t* data, std::size_t size, int length_bytes);

// Remembers what packets promise about their pictures until these come out of the decoder.
class PictureChecksums {
 public:
  explicit PictureChecksums(const AVCodecParameters& parameters);
  void take(const AVPacket& packet);
  // Throws Error(input) if the frame is not the one that its packet promised.
  void verify(const AVFrame& frame, const std::string& name, std::int64_t slice);

 private:
  bool enabled_ = false;
  int length_bytes_ = 0;
  std::map<std::int64_t, std::uint32_t> by_pts_;
};

}  // namespace pillar
