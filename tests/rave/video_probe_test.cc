#include "pillar/rave/video.h"

#include "rave/foreign_media.h"
#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/volumes.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ProbeVideo, PublishedSample) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest/volume.mp4");
  VideoInfo info =
      probe_video(MappedFile(test::golden("rave/published_chest/volume.mp4")).bytes(), "volume.mp4");
  EXPECT_EQ(info.kind, VideoKind::rave10);
  EXPECT_EQ(info.frames, 254);
  EXPECT_EQ(info.height, 384);
  EXPECT_EQ(info.width, 384);
  EXPECT_EQ(info.codec, "hevc");
  EXPECT_EQ(info.pixel_format, "yuv420p10le");
}

TEST(ProbeVideo, OtherMediaAreRefusedByName) {
  EXPECT_PILLAR_ERROR(probe_video(test::eight_bit_video(), "a.mp4"), ErrorCategory::input,
                      AllOf(HasSubstr("a.mp4"), HasSubstr("yuv420p;")));
  EXPECT_PILLAR_ERROR(probe_video(test::mjpeg_video(), "a.mkv"), ErrorCategory::input,
                      AllOf(HasSubstr("a.mkv"), HasSubstr("mjpeg")));
  EXPECT_PILLAR_ERROR(probe_video(test::audio_only(), "a.mp4"), ErrorCategory::input,
                      AllOf(HasSubstr("no video stream"), HasSubstr("flac")));
  EXPECT_PILLAR_ERROR(probe_video({}, "a.mp4"), ErrorCategory::input, HasSubstr("a.mp4: empty"));
  EXPECT_PILLAR_ERROR(probe_video(as_bytes("#EXTM3U\nfile:///etc/passwd\n"), "a.mp4"), ErrorCategory::input,
                      HasSubstr("not a readable"));
}

TEST(ProbeVideo, ClaimedFrameCountsAreCheckedAgainstTheFile) {
  Bytes file = encode_video(test::smooth_codes({5, 32, 32}, 4095), {.kind = VideoKind::gray12});
  const std::string_view name = "stsz";
  auto box = std::search(file.begin(), file.end(), name.begin(), name.end());
  ASSERT_NE(box, file.end());
  std::uint8_t* count = &*box + 4 + 8;  // after version, flags and the common size
  count[0] = 0xF0;
  EXPECT_PILLAR_ERROR(probe_video(file, "a.mp4"), ErrorCategory::input,
                      HasSubstr("a.mp4: claims 4026531845 frames"));
  count[0] = 0;
  count[3] = 4;
  EXPECT_PILLAR_ERROR(probe_video(file, "a.mp4"), ErrorCategory::input, HasSubstr("a.mp4"));
}

TEST(SliceRange, IsParsed) {
  EXPECT_EQ(parse_slice_range("10:20").begin, 10);
  EXPECT_EQ(parse_slice_range("10:20").end, 20);
  EXPECT_EQ(parse_slice_range(":5").begin, 0);
  EXPECT_FALSE(parse_slice_range("7:").end.has_value());
  EXPECT_TRUE(parse_slice_range(":").whole());
  for (const char* bad : {"", "5", "a:b", "-1:3", "5:5", "9:2", "1:2:3", "1.5:2", "99999999999999999999:"}) {
    EXPECT_PILLAR_ERROR(parse_slice_range(bad), ErrorCategory::usage, HasSubstr("range of slices"));
  }
}

}  // namespace
}  // namespace pillar
