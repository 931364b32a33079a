#include "pillar/core/sha256.h"
#include "pillar/rave/hu_map.h"
#include "pillar/rave/video.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/volumes.h"

#include <optional>
#include <random>
#include <thread>

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

using test::noise_codes;
using test::smooth_codes;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kPublished = "rave/published_chest/volume.mp4";
constexpr const char* kOfficial = "rave/head_ct/official/volume.mp4";

std::string sha256_of(const at::Tensor& tensor) {
  return sha256_hex({static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()});
}

at::Tensor decode(ByteView file, SliceRange range = {}) {
  return decode_video(file, "volume.mp4", range, 2);
}

Bytes small_stream(VideoKind kind) {
  const int max_code = kind == VideoKind::rave10 ? 1023 : kind == VideoKind::gray12 ? 4095 : 65535;
  return encode_video(smooth_codes({45, 64, 96}, max_code), {.kind = kind, .keyframe_interval = 16});
}

TEST(DecodeVideo, PublishedSampleIsReadExactly) {
  PILLAR_NEEDS_GOLDEN(kPublished);
  MappedFile file(test::golden(kPublished));
  at::Tensor codes = decode(file.bytes());
  EXPECT_EQ(codes.sizes(), (at::IntArrayRef{254, 384, 384}));
  EXPECT_EQ(codes.scalar_type(), at::kUInt16);
  EXPECT_EQ(sha256_of(codes), "9cefe52c9690f9e1d6e1f0dcaeb932ea156beaa9241ce1d9beae7925683a7bd8");
  at::Tensor hu = decode_video(file.bytes(), "volume.mp4", y10_to_hu_table(), SliceRange{}, 2);
  EXPECT_EQ(hu.scalar_type(), at::kShort);
  EXPECT_EQ(sha256_of(hu), "6c77a2f3f1772cd4818a199071aba8d4c4ccfadf39262a8aca4b7443abc8c5d3");
  // Across a keyframe whose leading pictures refer to the group before it.
  EXPECT_TRUE(at::equal(decode(file.bytes(), {125, 131}), codes.slice(0, 125, 131)));
  EXPECT_EQ(sha256_of(decode_video(file.bytes(), "volume.mp4", y10_to_hu_table(), {100, 101})),
            "74146c3eb9b9ef819ecc079e6744f6e739288dc250020cf5b8db53d87c4692d9");
}

TEST(DecodeVideo, RangesAreSlicesOfTheWhole) {
  for (VideoKind kind : {VideoKind::rave10, VideoKind::gray12, VideoKind::gray16}) {
    const Bytes file = small_stream(kind);
    const at::Tensor whole = decode(file);
    for (auto [begin, end] : {std::pair{0, 1}, {0, 45}, {3, 7}, {15, 18}, {16, 17}, {31, 45}, {44, 45}}) {
      EXPECT_TRUE(at::equal(decode(file, {begin, end}), whole.slice(0, begin, end)))
          << static_cast<int>(kind) << ": " << begin << ":" << end;
    }
    EXPECT_TRUE(at::equal(decode(file, {40, std::nullopt}), whole.slice(0, 40, 45)));
  }
}

TEST(DecodeVideo, RangeOutsideIsRefused) {
  const Bytes file = small_stream(VideoKind::gray12);
  for (SliceRange range : {SliceRange{45, {}}, SliceRange{3, 46}, SliceRange{5, 5}, SliceRange{-1, 3}}) {
    EXPECT_PILLAR_ERROR(decode(file, range), ErrorCategory::usage,
                        AllOf(HasSubstr("volume.mp4"), HasSubstr("45 slices")));
  }
}

TEST(DecodeVideo, TableMapsEveryCode) {
  const Bytes file = small_stream(VideoKind::rave10);
  const at::Tensor codes = decode(file);
  const at::Tensor gray = decode_video(file, "volume.mp4", y10_to_gray16_table(), SliceRange{});
  const auto* code = static_cast<const std::uint16_t*>(codes.const_data_ptr());
  const auto* value = static_cast<const std::uint16_t*>(gray.const_data_ptr());
  for (std::int64_t i = 0; i < codes.numel(); ++i) ASSERT_EQ(value[i], y10_to_gray16_table()[code[i]]);
}

TEST(DecodeVideo, CodesBeyondTheTableAreRefused) {
  const Bytes file = small_stream(VideoKind::gray12);
  EXPECT_PILLAR_ERROR(decode_video(file, "volume.mp4", y10_to_hu_table(), SliceRange{}), ErrorCategory::input,
                      HasSubstr("codes above 1023"));
}

// Whatever bit of the pictures is wrong: the stream is refused or, where the bit meant nothing, read exactly.
TEST(DecodeVideo, FlippedBitsNeverGiveWrongVoxels) {
  std::mt19937 random(11);
  for (VideoKind kind : {VideoKind::rave10, VideoKind::gray12, VideoKind::gray16}) {
    const int max_code = kind == VideoKind::gray16 ? 65535 : 1023;
    const Bytes file =
        encode_video(noise_codes({12, 64, 64}, max_code), {.kind = kind, .keyframe_interval = 6});
    ASSERT_GT(file.size(), 20000u);
    const at::Tensor codes = decode(file);
    int refused = 0;
    for (int i = 0; i < 60; ++i) {
      Bytes damaged = file;
      // Not in the headers at either end: some of what they say means nothing here.
      const std::size_t at = 4000 + random() % (file.size() - 8000);
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ 1u << random() % 8);
      try {
        EXPECT_TRUE(at::equal(decode(damaged), codes)) << static_cast<int>(kind) << ", byte " << at;
      } catch (const Error& error) {
        EXPECT_EQ(error.category(), ErrorCategory::input) << error.what();
        ++refused;
      }
    }
    EXPECT_GT(refused, 40);
  }
}

TEST(DecodeVideo, FlippedBitsAnywhereDoNoHarm) {
  PILLAR_NEEDS_GOLDEN(kOfficial);
  std::mt19937 random(5);
  const Bytes official = read_file(test::golden(kOfficial));
  for (int i = 0; i < 150; ++i) {
    Bytes damaged = official;
    const std::size_t at = i % 2 == 0 ? random() % damaged.size() : damaged.size() - 1 - random() % 4000;
    damaged[at] = static_cast<std::uint8_t>(random());
    try {
      EXPECT_EQ(decode(damaged).dim(), 3);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("volume.mp4"));
    }
  }
}

TEST(DecodeVideo, TruncatedFilesAreRefused) {
  for (VideoKind kind : {VideoKind::rave10, VideoKind::gray12, VideoKind::gray16}) {
    const Bytes file = small_stream(kind);
    for (double part : {0.0, 0.001, 0.1, 0.5, 0.9, 0.999}) {
      const auto size = static_cast<std::size_t>(part * static_cast<double>(file.size()));
      EXPECT_PILLAR_ERROR(decode(ByteView(file).first(size)), ErrorCategory::input, HasSubstr("volume.mp4"));
    }
  }
}

TEST(DecodeVideo, SeveralAtOnce) {
  const Bytes file = small_stream(VideoKind::gray12);
  const at::Tensor codes = decode(file);
  std::vector<std::thread> threads;
  std::array<bool, 4> same = {};
  for (bool& result : same) {
    threads.emplace_back([&] {
      Bytes again = small_stream(VideoKind::gray12);
      result = again == file && at::equal(decode(again), codes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(same, ::testing::Each(true));
}

}  // namespace
}  // namespace pillar
