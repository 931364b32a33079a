#include "pillar/viz/png.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "viz/unpack.h"

#include <numeric>

namespace pillar {
namespace {

using ::testing::HasSubstr;

Image8 counting_image(int height, int width, int channels) {
  Image8 image{height, width, channels,
               std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels))};
  std::iota(image.pixels.begin(), image.pixels.end(), std::uint8_t{0});
  return image;
}

TEST(Png, GreyAndColourComeBack) {
  for (int channels : {1, 3}) {
    Image8 image = counting_image(5, 7, channels);
    Image8 decoded = test::decode_png(encode_png(image));
    EXPECT_EQ(decoded.height, 5);
    EXPECT_EQ(decoded.width, 7);
    EXPECT_EQ(decoded.channels, channels);
    EXPECT_EQ(decoded.pixels, image.pixels);
  }
}

TEST(Png, FileHoldsTheEncodedBytes) {
  test::TempDir dir;
  write_png(dir / "a.png", counting_image(3, 4, 1));
  EXPECT_EQ(read_file(dir / "a.png"), encode_png(counting_image(3, 4, 1)));
}

TEST(Png, WrongShapesAreRefused) {
  EXPECT_PILLAR_ERROR(encode_png(Image8{}), ErrorCategory::usage, HasSubstr("0x0"));
  EXPECT_PILLAR_ERROR(encode_png(counting_image(2, 2, 4)), ErrorCategory::usage, HasSubstr("4 channels"));
  Image8 short_of_pixels = counting_image(3, 4, 1);
  short_of_pixels.pixels.pop_back();
  EXPECT_PILLAR_ERROR(encode_png(short_of_pixels), ErrorCategory::usage, HasSubstr("12 bytes, not 11"));
}

TEST(Png, MissingFolderIsNamed) {
  test::TempDir dir;
  EXPECT_PILLAR_ERROR(write_png(dir / "nowhere/a.png", counting_image(1, 1, 1)), ErrorCategory::io,
                      HasSubstr("nowhere"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace pillar
