#include "rave/video/picture_checksum.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

namespace pillar {
namespace {

constexpr int kSuffixSei = 40;              // nal_unit_type
constexpr std::uint8_t kPictureHash = 132;  // payloadType
constexpr std::uint8_t kChecksum = 2;       // hash_type

// The payload of a NAL unit without the bytes that keep start codes from appearing in it.
Bytes without_emulation_prevention(ByteView nal) {
  Bytes result;
  int zeros = 0;
  for (std::uint8_t byte : nal) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    result.push_back(byte);
  }
  return result;
}

std::optional<std::uint32_t> checksum_of_sei(ByteView nal) {
  Bytes sei = without_emulation_prevention(nal);
  std::size_t at = 2;  // after the NAL header
  while (at + 2 < sei.size()) {
    std::uint8_t type = sei[at];
    std::size_t size = sei[at + 1];
    at += 2;
    if (type == 255 || size == 255) return std::nullopt;  // longer forms: not ours
    if (type == kPictureHash && size >= 5 && at + 5 <= sei.size() && sei[at] == kChecksum) {
      return static_cast<std::uint32_t>(sei[at + 1]) << 24 | static_cast<std::uint32_t>(sei[at + 2]) << 16 |
             static_cast<std::uint32_t>(sei[at + 3]) << 8 | sei[at + 4];
    }
    at += size;
  }
  return std::nullopt;
}

int nal_type(std::uint8_t first_byte) {
  return first_byte >> 1 & 0x3f;
}

}  // namespace

std::uint32_t luma_checksum(const AVFrame& frame) {
  std::vector<std::uint16_t> column_mask(static_cast<std::size_t>(frame.width));
  for (std::size_t x = 0; x < column_mask.size(); ++x) {
    column_mask[x] = static_cast<std::uint16_t>((x & 0xff) ^ (x >> 8));
  }
  std::uint32_t sum = 0;
  for (int y = 0; y < frame.height; ++y) {
    const auto* row = reinterpret_cast<const std::uint16_t*>(frame.data[0] + static_cast<std::ptrdiff_t>(y) *
                                                                                 frame.linesize[0]);
    const auto row_mask = static_cast<std::uint16_t>((y & 0xff) ^ (y >> 8));
    for (std::size_t x = 0; x < column_mask.size(); ++x) {
      const auto mask = static_cast<std::uint16_t>(column_mask[x] ^ row_mask);
      sum += static_cast<std::uint16_t>((row[x] & 0xff) ^ mask);
      sum += static_cast<std::uint16_t>((row[x] >> 8) ^ mask);
    }
  }
  return sum;
}

std::optional<std::uint32_t> find_luma_checksum(const std::uint8_t* data, std::size_t size,
                                                int length_bytes) {
  if (length_bytes == 0) return std::nullopt;
  ByteView rest(data, size);
  const auto prefix = static_cast<std::size_t>(length_bytes);
  while (rest.size() > prefix) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < prefix; ++i) length = length << 8 | rest[i];
    rest = rest.subspan(prefix);
    if (length == 0 || length > rest.size()) return std::nullopt;  // the decoder will say what is wrong
    if (nal_type(rest[0]) == kSuffixSei) {
      if (auto checksum = checksum_of_sei(rest.first(length))) return checksum;
    }
    rest = rest.subspan(length);
  }
  return std::nullopt;
}

PictureChecksums::PictureChecksums(const AVCodecParameters& parameters) {
  // In mp4 and Matroska the codec's header is an hvcC box, whose byte 21 ends in the length size minus one.
  enabled_ = parameters.codec_id == AV_CODEC_ID_HEVC && parameters.extradata_size > 22 &&
             parameters.extradata[0] == 1;
  if (enabled_) length_bytes_ = (parameters.extradata[21] & 3) + 1;
}

void PictureChecksums::take(const AVPacket& packet) {
  if (!enabled_) return;
  auto checksum = find_luma_checksum(packet.data, static_cast<std::size_t>(packet.size), length_bytes_);
  if (checksum) by_pts_[packet.pts] = *checksum;
}

void PictureChecksums::verify(const AVFrame& frame, const std::string& name, std::int64_t slice) {
  if (by_pts_.empty()) return;
  auto found = by_pts_.find(frame.pts);
  if (found == by_pts_.end()) return;
  if (luma_checksum(frame) != found->second)
    fail(ErrorCategory::input, "{}: slice {} is damaged: wrong checksum", name, slice);
  by_pts_.erase(by_pts_.begin(), std::next(found));
}

}  // namespace pillar
