#include "pillar/data/rotation.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr double kAir = -1000;

at::Tensor batch_of(const at::Tensor& voxels_dhw) {
  return voxels_dhw.unsqueeze(0).unsqueeze(0);
}

float at_hw(const at::Tensor& voxels_bcdhw, std::int64_t h, std::int64_t w) {
  return voxels_bcdhw[0][0][0][h][w].item<float>();
}

TEST(Rotation, PositiveAnglesTurnRightDown) {
  at::Tensor image = at::zeros({1, 5, 5}, at::kShort);
  image[0][2][4] = 7;  // right of the centre
  const at::Tensor out = rotate_in_plane(batch_of(image), {90}, 0);
  ASSERT_EQ(out.scalar_type(), at::kFloat);
  EXPECT_NEAR(at_hw(out, 4, 2), 7, 1e-4) << "below it";
  EXPECT_NEAR(out.sum().item<float>(), 7, 1e-3);
  EXPECT_NEAR(at_hw(rotate_in_plane(batch_of(image), {-90}, 0), 0, 2), 7, 1e-4) << "above it";
  EXPECT_NEAR(at_hw(rotate_in_plane(batch_of(image), {180}, 0), 2, 0), 7, 1e-4);
}

// A straight slope stays one of the same steepness, in voxels, only where nothing is sheared or scaled.
TEST(Rotation, UnequalSidesAreTurnedNotSheared) {
  constexpr std::int64_t kH = 21, kW = 41;
  const at::Tensor slope = at::arange(kW, at::kFloat).sub(20).expand({1, kH, kW});
  const at::Tensor out = rotate_in_plane(batch_of(slope), {30}, kAir);
  const double c = std::cos(M_PI / 6), s = std::sin(M_PI / 6);
  for (std::int64_t h = 6; h <= 14; ++h) {
    for (std::int64_t w = 10; w <= 30; ++w)
      EXPECT_NEAR(at_hw(out, h, w), c * static_cast<double>(w - 20) + s * static_cast<double>(h - 10), 1e-3);
  }
}

// The four voxels around the place that (h, w) comes from, each outside one being `fill`.
double expected(const at::Tensor& image_hw, std::int64_t h, std::int64_t w, double degrees, double fill) {
  const double a = degrees * M_PI / 180;
  const double cy = static_cast<double>(image_hw.size(0) - 1) / 2,
               cx = static_cast<double>(image_hw.size(1) - 1) / 2;
  const double y = static_cast<double>(h) - cy, x = static_cast<double>(w) - cx;
  const double sx = x * std::cos(a) + y * std::sin(a) + cx, sy = y * std::cos(a) - x * std::sin(a) + cy;
  double sum = 0;
  for (int corner = 0; corner < 4; ++corner) {
    const auto i = static_cast<std::int64_t>(std::floor(sy)) + corner / 2;
    const auto j = static_cast<std::int64_t>(std::floor(sx)) + corner % 2;
    const bool inside = i >= 0 && j >= 0 && i < image_hw.size(0) && j < image_hw.size(1);
    const double weight =
        (1 - std::abs(sy - static_cast<double>(i))) * (1 - std::abs(sx - static_cast<double>(j)));
    sum += weight * (inside ? image_hw[i][j].item<double>() : fill);
  }
  return sum;
}

TEST(Rotation, IsBilinearWithTheFillOutside) {
  const at::Tensor voxels = test::random_voxels(3, 9, 14, at::kShort, -1000, 2000);
  const at::Tensor out = rotate_in_plane(batch_of(voxels), {17}, kAir);
  for (std::int64_t d = 0; d < 3; ++d) {
    for (std::int64_t h = 0; h < 9; ++h) {
      for (std::int64_t w = 0; w < 14; ++w)
        EXPECT_NEAR(out[0][0][d][h][w].item<float>(), expected(voxels[d], h, w, 17, kAir), 0.05);
    }
  }
}

TEST(Rotation, SlicesAreTurnedAlikeHoweverManyThereAre) {
  const at::Tensor one = test::random_voxels(1, 8, 6, at::kShort, -1000, 2000);
  const at::Tensor alone = rotate_in_plane(batch_of(one), {11}, kAir);
  const at::Tensor many = rotate_in_plane(batch_of(one.expand({130, 8, 6})), {11}, kAir);
  EXPECT_TRUE(at::equal(many, alone.expand({1, 1, 130, 8, 6})));
}

TEST(Rotation, AStudyThatIsNotTurnedKeepsItsValuesAndTurnsNoOther) {
  const at::Tensor a = batch_of(test::random_voxels(4, 6, 6, at::kUInt16, 0, 65535));
  const at::Tensor b = batch_of(test::random_voxels(4, 6, 6, at::kUInt16, 0, 65535, 1));
  const at::Tensor both = at::cat({a.to(at::kFloat), b.to(at::kFloat)});
  const at::Tensor out = rotate_in_plane(both, {0, 12}, -1);
  EXPECT_TRUE(at::equal(out[0], a[0].to(at::kFloat)));
  EXPECT_TRUE(at::equal(out[1], rotate_in_plane(b, {12}, -1)[0]));
  EXPECT_TRUE(at::equal(rotate_in_plane(a, {0}, -1), a.to(at::kFloat)));
}

TEST(Rotation, NothingToTurnIsNoCopy) {
  const at::Tensor voxels = at::zeros({2, 1, 3, 4, 5}, at::kFloat);
  EXPECT_TRUE(rotate_in_plane(voxels, {0, 0}, -1).is_same(voxels));
  EXPECT_FALSE(rotate_in_plane(voxels, {0, 1}, -1).is_same(voxels));
}

TEST(Rotation, TheFillItselfStaysExact) {
  const at::Tensor air = at::full({1, 2, 3, 9, 7}, kAir, at::kFloat);
  EXPECT_TRUE(at::equal(rotate_in_plane(air, {13}, kAir), air));
}

TEST(Rotation, ASliceOfOneRowOrOneVoxelIsAllowed) {
  EXPECT_NEAR(at_hw(rotate_in_plane(at::full({1, 1, 1, 1, 1}, 5, at::kShort), {20}, 0), 0, 0), 5, 1e-5);
  EXPECT_EQ(rotate_in_plane(at::zeros({1, 1, 2, 1, 9}, at::kShort), {20}, 0).size(4), 9);
  EXPECT_EQ(rotate_in_plane(at::zeros({0, 1, 2, 3, 4}, at::kShort), {}, 0).size(0), 0);
}

TEST(Rotation, AnglesAreDrawnFromTheSeedAlone) {
  std::vector<std::uint64_t> seeds(4000);
  for (std::size_t i = 0; i < seeds.size(); ++i) seeds[i] = i;
  const std::vector<double> degrees = draw_rotations(seeds, {0.5, 20});
  int turned = 0, positive = 0, beyond_10 = 0;
  for (const double angle : degrees) {
    EXPECT_LE(std::abs(angle), 20);
    turned += angle != 0 ? 1 : 0;
    positive += angle > 0 ? 1 : 0;
    beyond_10 += std::abs(angle) > 10 ? 1 : 0;
  }
  EXPECT_NEAR(turned, 2000, 160);  // five standard deviations
  EXPECT_NEAR(positive, 1000, 140);
  EXPECT_NEAR(beyond_10, 1000, 140);
  EXPECT_EQ(draw_rotations({seeds[7], seeds[3]}, {0.5, 20}), (std::vector{degrees[7], degrees[3]}));
  EXPECT_THAT(draw_rotations(seeds, {0, 20}), Each(0));
  EXPECT_THAT(draw_rotations(seeds, {1, 0}), Each(0));
  EXPECT_THAT(draw_rotations(seeds, {1, 20}), Each(::testing::Ne(0)));
}

// (y, x) of the centre of what is there.
std::array<double, 2> centroid(const at::Tensor& weights_hw) {
  const at::Tensor w = weights_hw.to(at::kDouble);
  const double all = w.sum().item<double>();
  const at::Tensor y = at::arange(w.size(0), at::kDouble).unsqueeze(1),
                   x = at::arange(w.size(1), at::kDouble);
  return {(w * y).sum().item<double>() / all, (w * x).sum().item<double>() / all};
}

TEST(Rotation, AMaskStaysWithItsImage) {
  for (const double degrees : {-20.0, -7.0, 3.0, 12.5, 20.0, 90.0}) {
    at::Tensor mask = at::zeros({2, 70, 48, 64}, at::kByte);  // more slices than are turned at a time
    mask.slice(2, 12, 22).slice(3, 30, 48).fill_(1);
    const at::Tensor image = mask.unsqueeze(1).to(at::kFloat);
    const at::Tensor turned = rotate_mask_in_plane(mask, {0, degrees});
    ASSERT_EQ(turned.scalar_type(), at::kByte);
    ASSERT_EQ(turned.sizes(), mask.sizes());
    EXPECT_TRUE(at::equal(turned[0], mask[0])) << "angle 0";
    EXPECT_LE(turned.max().item<int>(), 1);
    const at::Tensor of_image = rotate_in_plane(image, {0, degrees}, 0)[1][0];
    for (const std::int64_t slice : {0, 69}) {
      const auto a = centroid(turned[1][slice]), b = centroid(of_image[slice]);
      EXPECT_NEAR(a[0], b[0], 0.5) << degrees;
      EXPECT_NEAR(a[1], b[1], 0.5) << degrees;
      EXPECT_NEAR(turned[1][slice].sum().item<double>(), 180, 12);
    }
  }
}

TEST(Rotation, MasksThatAreNoneAreRefused) {
  EXPECT_FALSE(rotate_mask_in_plane({}, {1}).defined());
  const at::Tensor mask = at::zeros({1, 2, 3, 4}, at::kByte);
  EXPECT_TRUE(rotate_mask_in_plane(mask, {0}).is_same(mask));
  EXPECT_PILLAR_ERROR(rotate_mask_in_plane(mask[0], {1}), ErrorCategory::usage, HasSubstr("3 axes"));
  EXPECT_PILLAR_ERROR(rotate_mask_in_plane(mask.to(at::kFloat), {1}), ErrorCategory::usage,
                      HasSubstr("Float"));
  EXPECT_PILLAR_ERROR(rotate_mask_in_plane(mask, {1, 2}), ErrorCategory::usage, HasSubstr("2 angles for 1"));
}

TEST(Rotation, WhatMakesNoSenseIsRefused) {
  const at::Tensor voxels = at::zeros({1, 1, 2, 3, 4}, at::kShort);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PILLAR_ERROR(rotate_in_plane(voxels[0], {1}, 0), ErrorCategory::usage, HasSubstr("4 axes"));
  EXPECT_PILLAR_ERROR(rotate_in_plane(voxels, {1, 2}, 0), ErrorCategory::usage, HasSubstr("2 angles for 1"));
  EXPECT_PILLAR_ERROR(rotate_in_plane(voxels, {nan}, 0), ErrorCategory::usage, HasSubstr("nan degrees"));
  EXPECT_PILLAR_ERROR(rotate_in_plane(voxels, {1}, nan), ErrorCategory::usage, HasSubstr("fill of nan"));
  EXPECT_PILLAR_ERROR(draw_rotations({1}, {1.5, 20}), ErrorCategory::usage, HasSubstr("1.5"));
  EXPECT_PILLAR_ERROR(draw_rotations({1}, {nan, 20}), ErrorCategory::usage, HasSubstr("nan"));
  EXPECT_PILLAR_ERROR(draw_rotations({1}, {0.5, -1}), ErrorCategory::usage, HasSubstr("-1 degrees"));
  EXPECT_PILLAR_ERROR(draw_rotations({1}, {0.5, 181}), ErrorCategory::usage, HasSubstr("181"));
}

}  // namespace
}  // namespace pillar
