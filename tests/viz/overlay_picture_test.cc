#include "pillar/viz/overlay_picture.h"

#include "support/expect_error.h"
#include "support/volumes.h"
#include "viz/picture/overlay.h"

#include <limits>

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<double, 3> kOverlaySpacing = {1, 1, 2};

std::array<int, 3> pixel_of(const Image8& image, int row, int column) {
  const auto* pixel = image.pixels.data() + 3 * (row * image.width + column);
  return {pixel[0], pixel[1], pixel[2]};
}

int count_coloured(const Image8& image) {
  int count = 0;
  for (int row = 0; row < image.height; ++row) {
    for (int column = 0; column < image.width; ++column) {
      const auto [red, green, blue] = pixel_of(image, row, column);
      count += red > blue + 40;
    }
  }
  return count;
}

TEST(OverlayPicture, TheThreePlanesThroughTheMaximumAreColouredThere) {
  const at::Tensor volume = test::smooth_volume(20, 40, 60, 1).voxels_dhw;
  at::Tensor overlay = at::zeros({20, 40, 60});
  overlay.narrow(0, 4, 2).narrow(1, 30, 4).narrow(2, 10, 6).fill_(0.5);
  OverlayPictureOptions options;
  options.plane_pixels = 120;
  options.slices_ascend = false;
  const Image8 image = overlay_picture(volume, overlay, kOverlaySpacing, options);
  ASSERT_EQ(image.channels, 3);
  // 60 x 40, 60 x 40 and 40 x 40 mm at 2, 2 and 3 pixels a millimetre.
  EXPECT_EQ(image.width, 4 + 120 + 4 + 120 + 4 + 120 + 4);
  EXPECT_EQ(image.height, 4 + 120 + 4);
  const auto [red, green, blue] = pixel_of(image, 4 + 2 * 32, 4 + 2 * 13);
  EXPECT_GT(red, blue + 100) << "in the axial plane";
  EXPECT_GT(red, green + 100) << "red is the most";
  const auto coronal = pixel_of(image, 4 + 2 * 2 * 5, 128 + 2 * 13);
  EXPECT_GT(coronal[0], coronal[2] + 100);
  const auto sagittal = pixel_of(image, 4 + 3 * 2 * 5, 252 + 3 * 32);
  EXPECT_GT(sagittal[0], sagittal[2] + 100);
  const auto elsewhere = pixel_of(image, 4 + 10, 4 + 100);
  EXPECT_EQ(elsewhere[0], elsewhere[2]);
  EXPECT_EQ(count_coloured(image), 8 * 12 + 8 * 12 + 12 * 12);
}

TEST(OverlayPicture, AnOverlayOfZerosLeavesGreys) {
  const at::Tensor volume = test::smooth_volume(8, 20, 20, 1).voxels_dhw;
  OverlayPictureOptions options;
  options.title = "A1";
  const Image8 image = overlay_picture(volume, at::zeros({8, 20, 20}), kOverlaySpacing, options);
  EXPECT_EQ(count_coloured(image), 0);
}

TEST(OverlayPicture, WrongOverlaysAreRefused) {
  const at::Tensor volume = test::smooth_volume(8, 20, 20, 1).voxels_dhw;
  const auto drawn = [&](const at::Tensor& overlay, double opacity = 0.5) {
    OverlayPictureOptions options;
    options.opacity = opacity;
    return overlay_picture(volume, overlay, kOverlaySpacing, options);
  };
  EXPECT_PILLAR_ERROR(drawn(at::zeros({8, 20, 21})), ErrorCategory::input,
                      HasSubstr("an overlay of 8 x 20 x 21 voxels on a volume of 8 x 20 x 20"));
  at::Tensor overlay = at::zeros({8, 20, 20});
  overlay[1][2][3] = -1;
  EXPECT_PILLAR_ERROR(drawn(overlay), ErrorCategory::input, HasSubstr("-1"));
  overlay[1][2][3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(drawn(overlay), ErrorCategory::input, HasSubstr("nan"));
  EXPECT_PILLAR_ERROR(drawn(at::zeros({8, 20, 20}), 1.5), ErrorCategory::usage, HasSubstr("opacity"));
}

TEST(OverlayPicture, LevelsAreSharesOfTheMaximum) {
  at::Tensor overlay = at::zeros({2, 3, 4});
  overlay[1][2][0] = 1e-7;
  overlay[0][1][3] = 0.5e-7;
  const at::Tensor levels = viz::overlay_levels(overlay, at::zeros({2, 3, 4}));
  EXPECT_EQ(levels[1][2][0].item<int>(), 255);
  EXPECT_EQ(levels[0][1][3].item<int>(), 128);
  EXPECT_EQ(levels.sum().item<int>(), 255 + 128);
  EXPECT_THAT(viz::highest(levels), ElementsAre(1, 2, 0));
  EXPECT_THAT(viz::tinted(100, 0, 1), ElementsAre(100, 100, 100));
  EXPECT_THAT(viz::tinted(100, 255, 1), ElementsAre(255, 0, 0));
}

}  // namespace
}  // namespace pillar
