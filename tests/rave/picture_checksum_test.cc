#include "rave/video/picture_checksum.h"

#include "pillar/rave/video.h"

#include "rave/video/video_input.h"
#include "support/volumes.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(PictureChecksum, EveryPictureOfOurStreamsHasOne) {
  for (VideoKind kind : {VideoKind::rave10, VideoKind::gray12}) {
    Bytes file = encode_video(test::smooth_codes({9, 34, 50}, 1023), {.kind = kind});
    VideoInput input(file, "volume.mp4");
    Packet packet(av_packet_alloc());
    int found = 0;
    while (input.next(packet.get())) {
      if (find_luma_checksum(packet->data, static_cast<std::size_t>(packet->size), 4)) ++found;
    }
    EXPECT_EQ(found, 9);
  }
}

TEST(PictureChecksum, FollowsTheStandard) {
  // ITU-T H.265, D.3.19: each byte of a sample is masked by the bytes of its position.
  std::array<std::uint16_t, 4> samples = {0x0102, 0x0304, 0x0506, 0x0708};
  AVFrame frame = {};
  frame.width = frame.height = 2;
  frame.data[0] = reinterpret_cast<std::uint8_t*>(samples.data());
  frame.linesize[0] = 4;
  const std::uint32_t expected =
      (0x02 ^ 0) + (0x01 ^ 0) + (0x04 ^ 1) + (0x03 ^ 1) + (0x06 ^ 1) + (0x05 ^ 1) + (0x08 ^ 0) + (0x07 ^ 0);
  EXPECT_EQ(luma_checksum(frame), expected);
}

TEST(PictureChecksum, DamagedPacketsHaveNone) {
  const std::array<std::uint8_t, 9> too_long = {0xFF, 0xFF, 0xFF, 0xFF, 40 << 1, 1, 132, 5, 2};
  EXPECT_FALSE(find_luma_checksum(too_long.data(), too_long.size(), 4));
  const std::array<std::uint8_t, 9> cut_off = {0, 0, 0, 5, 40 << 1, 1, 132, 17, 2};
  EXPECT_FALSE(find_luma_checksum(cut_off.data(), cut_off.size(), 4));
  EXPECT_FALSE(find_luma_checksum(nullptr, 0, 4));
}

}  // namespace
}  // namespace pillar
