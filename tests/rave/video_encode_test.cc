#include "pillar/core/safetensors.h"
#include "pillar/rave/hu_map.h"
#include "pillar/rave/video.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/volumes.h"

#include <ATen/Functions.h>

namespace pillar {
namespace {

using test::noise_codes;
using test::smooth_codes;
using ::testing::HasSubstr;

double mean_abs_difference(const at::Tensor& a, const at::Tensor& b) {
  return at::mean(at::abs(at::sub(a.to(at::kFloat), b.to(at::kFloat)))).item().toDouble();
}

at::Tensor ideal_y10(const at::Tensor& hu) {
  at::Tensor codes = at::empty(hu.sizes(), at::kUInt16);
  const auto* in = static_cast<const std::int16_t*>(hu.const_data_ptr());
  auto* out = static_cast<std::uint16_t*>(codes.data_ptr());
  for (std::int64_t i = 0; i < hu.numel(); ++i) {
    out[i] = hu_to_y10_table()[static_cast<std::size_t>(std::clamp<int>(in[i], -1024, 3071) + 1024)];
  }
  return codes;
}

TEST(EncodeVideo, PublishedStreamIsMetInKind) {
  PILLAR_NEEDS_GOLDEN("rave/head_ct/expected.safetensors");
  SafetensorsFile expected(test::golden("rave/head_ct/expected.safetensors"));
  at::Tensor codes = ideal_y10(expected.tensor("final"));
  Bytes file = encode_video(codes, {.kind = VideoKind::rave10});
  EXPECT_NEAR(static_cast<double>(file.size()), 44962, 0.05 * 44962);
  EXPECT_NEAR(mean_abs_difference(decode_video(file, "ours", SliceRange{}), codes), 2.00755, 0.2);

  VideoInfo ours = probe_video(file, "ours");
  VideoInfo official = probe_video(read_file(test::golden("rave/head_ct/official/volume.mp4")), "official");
  EXPECT_EQ(ours.kind, official.kind);
  EXPECT_EQ(ours.frames, official.frames);
  EXPECT_EQ(ours.pixel_format, "yuv420p10le");
}

TEST(EncodeVideo, LosslessKindsReturnEveryCode) {
  for (at::Tensor codes :
       {smooth_codes({37, 48, 64}, 4095), noise_codes({5, 33, 47}, 4095), noise_codes({1, 32, 32}, 4095)}) {
    Bytes file = encode_video(codes, {.kind = VideoKind::gray12});
    EXPECT_TRUE(at::equal(decode_video(file, "volume.mp4", SliceRange{}), codes)) << codes.sizes();
    EXPECT_EQ(probe_video(file, "volume.mp4").kind, VideoKind::gray12);
  }
  for (at::Tensor codes : {smooth_codes({9, 80, 70}, 65535), noise_codes({3, 32, 32}, 65535),
                           noise_codes({2, 37, 300}, 65535)}) {
    Bytes file = encode_video(codes, {.kind = VideoKind::gray16});
    EXPECT_TRUE(at::equal(decode_video(file, "volume.mkv", SliceRange{}), codes)) << codes.sizes();
    EXPECT_EQ(probe_video(file, "volume.mkv").codec, "ffv1");
  }
}

TEST(EncodeVideo, PicturesOneCodingTreeUnitWideAreLosslessToo) {
  for (const char* preset : {"ultrafast", "medium"}) {
    for (std::int64_t width : {32, 64}) {
      at::Tensor codes = noise_codes({9, 96, width}, 4095);
      Bytes file = encode_video(codes, {.kind = VideoKind::gray12, .preset = preset});
      EXPECT_TRUE(at::equal(decode_video(file, "volume.mp4", SliceRange{}), codes)) << preset << " " << width;
    }
  }
}

TEST(EncodeVideo, BytesDoNotDependOnThreads) {
  at::Tensor codes = smooth_codes({20, 64, 96}, 1023);
  for (VideoKind kind : {VideoKind::rave10, VideoKind::gray12, VideoKind::gray16}) {
    EXPECT_EQ(encode_video(codes, {.kind = kind, .threads = 1}),
              encode_video(codes, {.kind = kind, .threads = 5}));
  }
}

TEST(EncodeVideo, RefusesWhatAStreamCannotHold) {
  at::Tensor codes = noise_codes({2, 33, 47}, 4095);
  EXPECT_PILLAR_ERROR(encode_video(codes, {.kind = VideoKind::rave10}), ErrorCategory::usage,
                      HasSubstr("even"));
  EXPECT_PILLAR_ERROR(encode_video(noise_codes({2, 16, 64}, 1023), {.kind = VideoKind::gray12}),
                      ErrorCategory::usage, HasSubstr("32 x 32"));
  EXPECT_PILLAR_ERROR(encode_video(noise_codes({2, 32, 32}, 65535), {.kind = VideoKind::gray12}),
                      ErrorCategory::usage, HasSubstr("12 bits"));
  EXPECT_PILLAR_ERROR(encode_video(codes, {.preset = "warp"}), ErrorCategory::usage, HasSubstr("warp"));
  EXPECT_PILLAR_ERROR(encode_video(codes, {.crf = 99}), ErrorCategory::usage, HasSubstr("crf 99"));
  EXPECT_PILLAR_ERROR(encode_video(codes, {.keyframe_interval = 0}), ErrorCategory::usage,
                      HasSubstr("keyframe"));
  EXPECT_PILLAR_ERROR(encode_video(at::empty({0, 32, 32}, at::kUInt16), {}), ErrorCategory::usage,
                      HasSubstr("0 of"));
  EXPECT_PILLAR_ERROR(encode_video(at::empty({2, 32, 32}, at::kShort), {}), ErrorCategory::usage,
                      HasSubstr("uint16"));
}

}  // namespace
}  // namespace pillar
