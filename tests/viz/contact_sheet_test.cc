#include "pillar/viz/contact_sheet.h"

#include "support/expect_error.h"
#include "viz/picture/bitmap_font.h"

#include <limits>

#include <ATen/ATen.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<double, 3> kIsotropic = {1, 1, 1};
constexpr int kGap = 4;
constexpr int kBackground = 32;
const DisplayWindow kIdentity = {127.5, 255};  // value v is grey level v

int pixel(const Image8& image, int y, int x) {
  return image.pixels[static_cast<std::size_t>(y) * image.width + x];
}

// 2 slices of 3 rows and 4 columns; the value reads slice, row, column.
at::Tensor labelled_volume() {
  at::Tensor z = at::arange(2, at::kShort).reshape({2, 1, 1});
  at::Tensor y = at::arange(3, at::kShort).reshape({1, 3, 1});
  at::Tensor x = at::arange(4, at::kShort).reshape({1, 1, 4});
  return (z * 100 + y * 10 + x).contiguous();
}

TEST(RenderSlice, CutsAlongEachAxis) {
  Image8 axial = render_slice(labelled_volume(), 0, 1, kIdentity, kIsotropic, true);
  EXPECT_EQ(axial.height, 3);
  EXPECT_THAT(axial.pixels, ElementsAre(100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123));
  Image8 coronal = render_slice(labelled_volume(), 1, 2, kIdentity, kIsotropic, true);
  EXPECT_EQ(coronal.width, 4);
  EXPECT_THAT(coronal.pixels, ElementsAre(120, 121, 122, 123, 20, 21, 22, 23));
  Image8 sagittal = render_slice(labelled_volume(), 2, 3, kIdentity, kIsotropic, false);
  EXPECT_THAT(sagittal.pixels, ElementsAre(3, 13, 23, 103, 113, 123));
}

TEST(RenderSlice, PixelsAreSquare) {
  Image8 coronal = render_slice(labelled_volume(), 1, 0, kIdentity, {1, 1, 3}, false);
  EXPECT_EQ(coronal.height, 6);
  EXPECT_EQ(coronal.width, 4);
  EXPECT_EQ(pixel(coronal, 2, 1), 1);
  EXPECT_EQ(pixel(coronal, 3, 1), 101);
}

TEST(RenderSlice, WindowMapsValuesToGrey) {
  at::Tensor row = at::tensor({-1000.0, 0.0, 39.0, 40.0, 41.0, 80.0, 1000.0}).reshape({1, 1, 7});
  Image8 image = render_slice(row, 0, 0, {40, 80}, kIsotropic, true);
  EXPECT_THAT(image.pixels, ElementsAre(0, 0, 124, 128, 131, 255, 255));
}

TEST(RenderSlice, AnyStrideAndType) {
  at::Tensor transposed = labelled_volume().transpose(0, 2).contiguous().transpose(0, 2);
  for (at::ScalarType type : {at::kByte, at::kUInt16, at::kInt, at::kLong, at::kFloat, at::kDouble}) {
    EXPECT_EQ(render_slice(transposed.to(type), 1, 1, kIdentity, kIsotropic, true).pixels,
              render_slice(labelled_volume(), 1, 1, kIdentity, kIsotropic, true).pixels);
  }
}

TEST(RenderSlice, WrongRequestsAreRefused) {
  at::Tensor volume = labelled_volume();
  auto render = [&](int axis, std::int64_t index, DisplayWindow window, std::array<double, 3> spacing) {
    return render_slice(volume, axis, index, window, spacing, true);
  };
  EXPECT_PILLAR_ERROR(render(3, 0, kIdentity, kIsotropic), ErrorCategory::usage, HasSubstr("axis 3"));
  EXPECT_PILLAR_ERROR(render(-1, 0, kIdentity, kIsotropic), ErrorCategory::usage, HasSubstr("axis -1"));
  EXPECT_PILLAR_ERROR(render(0, 2, kIdentity, kIsotropic), ErrorCategory::usage,
                      HasSubstr("slice 2 of axis 0, which has 2"));
  EXPECT_PILLAR_ERROR(render(0, -1, kIdentity, kIsotropic), ErrorCategory::usage, HasSubstr("slice -1"));
  EXPECT_PILLAR_ERROR(render(0, 0, {0, 0}, kIsotropic), ErrorCategory::usage, HasSubstr("width above 0"));
  EXPECT_PILLAR_ERROR(render(0, 0, kIdentity, {1, 0, 1}), ErrorCategory::input, HasSubstr("spacing"));
  EXPECT_PILLAR_ERROR(render(0, 0, kIdentity, {1, NAN, 1}), ErrorCategory::input, HasSubstr("spacing"));
  EXPECT_PILLAR_ERROR(render(0, 0, kIdentity, {1, 1e-9, 1}), ErrorCategory::input, HasSubstr("16384"));
  volume = labelled_volume().to(at::kFloat);
  volume[0][1][2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(render(0, 0, kIdentity, kIsotropic), ErrorCategory::input, HasSubstr("nan"));
  volume = at::zeros({2, 0, 4});
  EXPECT_PILLAR_ERROR(render(0, 0, kIdentity, kIsotropic), ErrorCategory::input, HasSubstr("2 x 0 x 4"));
}

// Slice z is filled with 2 z + 60.
at::Tensor ramp_volume(int slices, int rows, int columns) {
  at::Tensor values = at::arange(slices, at::kShort) * 2 + 60;
  return values.reshape({slices, 1, 1}).expand({slices, rows, columns}).contiguous();
}

TEST(Thumbnail, IsTheMiddleSliceInItsProportions) {
  const Image8 picture = thumbnail(labelled_volume(), {1, 2, 1}, kIdentity, 24);
  EXPECT_EQ(picture.height, 24) << "3 rows of 2 mm";
  EXPECT_EQ(picture.width, 16) << "4 columns of 1 mm";
  EXPECT_EQ(pixel(picture, 0, 0), 100);
  EXPECT_EQ(pixel(picture, 23, 15), 123);
  EXPECT_PILLAR_ERROR(thumbnail(labelled_volume(), kIsotropic, kIdentity, 8), ErrorCategory::usage,
                      HasSubstr("8 pixels"));
}

TEST(ContactSheet, TilesAreSpreadOverTheVolume) {
  ContactSheetOptions options;
  options.tiles = 4;
  options.columns = 3;
  options.tile_pixels = 32;
  Image8 sheet = contact_sheet(ramp_volume(80, 10, 20), kIsotropic, kIdentity, options);
  EXPECT_EQ(sheet.channels, 1);
  EXPECT_EQ(sheet.width, kGap + 3 * (32 + kGap));
  EXPECT_EQ(sheet.height, kGap + 2 * (16 + kGap));
  // The bottom right pixels of the tiles: slices 10, 30, 50, 70.
  EXPECT_EQ(pixel(sheet, 19, 35), 80);
  EXPECT_EQ(pixel(sheet, 19, 71), 120);
  EXPECT_EQ(pixel(sheet, 19, 107), 160);
  EXPECT_EQ(pixel(sheet, 39, 35), 200);
  EXPECT_EQ(pixel(sheet, 39, 36), kBackground);
  EXPECT_EQ(pixel(sheet, 39, 71), kBackground);  // there is no fifth tile
  EXPECT_EQ(pixel(sheet, 0, 0), kBackground);
}

TEST(ContactSheet, TilesCarryTheirSliceIndex) {
  ContactSheetOptions options;
  options.tiles = 2;
  options.columns = 1;
  options.tile_pixels = 64;
  Image8 sheet = contact_sheet(ramp_volume(40, 16, 16), kIsotropic, kIdentity, options);
  Image8 label{9, 13, 1, std::vector<std::uint8_t>(9 * 13, 0)};
  viz::draw_text(label, 1, 1, "30", 1, 255);
  for (int y = 0; y < label.height; ++y) {
    for (int x = 0; x < label.width; ++x)
      EXPECT_EQ(pixel(sheet, 2 * kGap + 64 + y, kGap + x), pixel(label, y, x));
  }
}

TEST(ContactSheet, AShortVolumeShowsEachSliceOnce) {
  ContactSheetOptions options;
  options.tile_pixels = 16;
  Image8 sheet = contact_sheet(ramp_volume(3, 4, 4), kIsotropic, kIdentity, options);
  EXPECT_EQ(sheet.width, kGap + 3 * (16 + kGap));
  EXPECT_EQ(sheet.height, kGap + 16 + kGap);
  EXPECT_EQ(pixel(sheet, 19, 19), 60);
  EXPECT_EQ(pixel(sheet, 19, 59), 64);
}

TEST(ContactSheet, ASmallTileAveragesAndSpacingShapesIt) {
  // Columns alternate between 0 and 200; rows are twice as far apart as columns.
  at::Tensor stripes = (at::arange(64, at::kShort).remainder(2) * 200).expand({1, 64, 64}).contiguous();
  ContactSheetOptions options;
  options.tile_pixels = 32;
  Image8 sheet = contact_sheet(stripes, {1, 2, 1}, kIdentity, options);
  EXPECT_EQ(sheet.height, 32 + 2 * kGap);
  EXPECT_EQ(sheet.width, 16 + 2 * kGap);
  EXPECT_EQ(pixel(sheet, 35, 19), 100);
  EXPECT_EQ(pixel(sheet, 20, 12), 100);
}

TEST(ContactSheet, TitleStandsOnTopAndIsCutToTheSheet) {
  ContactSheetOptions options;
  options.tile_pixels = 64;
  Image8 plain = contact_sheet(ramp_volume(1, 8, 8), kIsotropic, kIdentity, options);
  options.title = "AB";
  Image8 titled = contact_sheet(ramp_volume(1, 8, 8), kIsotropic, kIdentity, options);
  EXPECT_EQ(titled.width, plain.width);
  EXPECT_EQ(titled.height, plain.height + 7 + kGap);
  EXPECT_EQ(pixel(titled, kGap, kGap + 1), 255);  // top of the A
  EXPECT_EQ(pixel(titled, titled.height - 1 - kGap, titled.width - 1 - kGap), 60);
  options.title = std::string(1000, 'A');
  Image8 cut = contact_sheet(ramp_volume(1, 8, 8), kIsotropic, kIdentity, options);
  options.title = std::string(7, 'A') + "...";  // ten characters of six pixels fit into 64
  EXPECT_EQ(cut.pixels, contact_sheet(ramp_volume(1, 8, 8), kIsotropic, kIdentity, options).pixels);
}

TEST(ContactSheet, WrongRequestsAreRefused) {
  at::Tensor volume = ramp_volume(5, 8, 8);
  auto sheet = [&](int tiles, int columns, int tile_pixels) {
    return contact_sheet(volume, kIsotropic, kIdentity, {tiles, columns, tile_pixels, ""});
  };
  EXPECT_PILLAR_ERROR(sheet(0, 5, 64), ErrorCategory::usage, HasSubstr("0 tiles"));
  EXPECT_PILLAR_ERROR(sheet(5, 0, 64), ErrorCategory::usage, HasSubstr("0 columns"));
  EXPECT_PILLAR_ERROR(sheet(5, 5, 15), ErrorCategory::usage, HasSubstr("15 pixels"));
  EXPECT_PILLAR_ERROR(sheet(5, 5, 1 << 30), ErrorCategory::usage, HasSubstr("pixels"));
  volume = ramp_volume(100000, 1, 1);
  EXPECT_PILLAR_ERROR(sheet(100000, 10, 2048), ErrorCategory::usage, HasSubstr("too large"));
  volume = at::zeros({4, 4});
  EXPECT_PILLAR_ERROR(sheet(5, 5, 64), ErrorCategory::input, HasSubstr("three axes"));
  volume = at::full({2, 4, 4}, INFINITY);
  EXPECT_PILLAR_ERROR(sheet(5, 5, 64), ErrorCategory::input, HasSubstr("inf"));
  EXPECT_PILLAR_ERROR(contact_sheet(at::zeros({2, 2, 2}), {1, -1, 1}, kIdentity, {}), ErrorCategory::input,
                      HasSubstr("spacing"));
  EXPECT_PILLAR_ERROR(contact_sheet(at::zeros({2, 2, 2}), {1e308, 1e308, 1}, kIdentity, {}),
                      ErrorCategory::input, HasSubstr("spacing"));
}

}  // namespace
}  // namespace pillar
