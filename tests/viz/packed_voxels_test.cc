#include "viz/viewer/packed_voxels.h"

#include "support/expect_error.h"
#include "viz/unpack.h"

#include <limits>
#include <random>

#include <ATen/ATen.h>

namespace pillar::viz {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> values_of(const at::Tensor& volume) {
  at::Tensor doubles = volume.to(at::kDouble).contiguous();
  const double* data = doubles.const_data_ptr<double>();
  return {data, data + doubles.numel()};
}

at::Tensor noise(double low, double high, at::ScalarType type) {
  at::Tensor volume = at::empty({5, 6, 7}, at::kDouble);
  std::mt19937 random(7);
  std::uniform_real_distribution<double> value(low, high);
  double* data = volume.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < volume.numel(); ++i) data[i] = value(random);
  data[0] = low;
  data[1] = high;
  return volume.to(type);
}

TEST(PackedVoxels, IntegersComeBackExactly) {
  for (const at::Tensor& volume :
       {noise(-32768, 32767, at::kShort), noise(0, 65535, at::kInt).to(at::kUInt16), noise(0, 255, at::kByte),
        noise(-128, 127, at::kChar), noise(1e6, 1e6 + 65535, at::kInt), noise(-9e15, -9e15 + 100, at::kLong),
        noise(-1024, 3071, at::kShort).to(at::kFloat), noise(-1024, 3071, at::kShort).to(at::kDouble)}) {
    PackedVoxels packed = pack_voxels(volume, 256);
    EXPECT_THAT(packed.size_xyz, ElementsAre(7, 6, 5));
    EXPECT_FALSE(packed.levels.empty());
    EXPECT_EQ(test::unpack_values(packed), values_of(volume)) << volume.scalar_type();
  }
}

TEST(PackedVoxels, OnlyValuesThatOccurGetACode) {
  at::Tensor volume = at::tensor({-1024, 64, 3071, 64, 64, -1024, 3071, 64}, at::kShort).reshape({2, 2, 2});
  PackedVoxels packed = pack_voxels(volume, 256);
  EXPECT_THAT(packed.levels, ElementsAre(-1024, 64, 3071));
  EXPECT_EQ(test::unpack_values(packed), values_of(volume));
}

TEST(PackedVoxels, OthersAreWithinHalfAStep) {
  for (const at::Tensor& volume :
       {noise(-0.5, 2.25, at::kFloat), noise(-1e300, 1e300, at::kDouble), noise(0, 65536, at::kInt),
        noise(-9e18, 9e18, at::kLong), noise(0, 1e-310, at::kDouble)}) {
    PackedVoxels packed = pack_voxels(volume, 256);
    EXPECT_TRUE(packed.levels.empty());
    std::vector<double> expected = values_of(volume), unpacked = test::unpack_values(packed);
    ASSERT_EQ(unpacked.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_LE(std::abs(unpacked[i] - expected[i]), 0.5001 * packed.scale)
          << volume.scalar_type() << " " << expected[i];
    }
  }
}

TEST(PackedVoxels, ConstantVolumes) {
  EXPECT_EQ(test::unpack_values(pack_voxels(at::full({1, 1, 1}, 0.25, at::kFloat), 8)),
            std::vector<double>{0.25});
  EXPECT_EQ(test::unpack_values(pack_voxels(at::full({2, 1, 1}, -7, at::kShort), 8)),
            (std::vector<double>{-7, -7}));
}

TEST(PackedVoxels, ThinningTakesTheMiddleOfEachPart) {
  at::Tensor volume =
      (at::arange(20, at::kShort).reshape({20, 1, 1}) * 100 + at::arange(50, at::kShort)).contiguous();
  PackedVoxels packed = pack_voxels(volume, 10);
  EXPECT_THAT(packed.size_xyz, ElementsAre(10, 1, 10));
  std::vector<double> values = test::unpack_values(packed);
  EXPECT_EQ(values[0], 102);    // slice 1, column 2
  EXPECT_EQ(values[9], 147);    // slice 1, column 47
  EXPECT_EQ(values[99], 1947);  // slice 19, column 47
  EXPECT_EQ(thinned_index(5, 8, 8), 5);
}

TEST(PackedVoxels, ASmoothScanPacksToAFractionOfItsSize) {
  at::Tensor ramp = at::arange(64, at::kShort);
  at::Tensor volume = (ramp.reshape({64, 1, 1}) + ramp.reshape({1, 64, 1}) * 2 + ramp * 3).contiguous();
  EXPECT_LT(pack_voxels(volume, 256).deflated.size(), 64u * 64 * 64 / 10);
}

TEST(PackedVoxels, WhatIsNoNumberIsRefused) {
  at::Tensor volume = at::zeros({2, 2, 2}, at::kFloat);
  volume[1][0][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(pack_voxels(volume, 256), ErrorCategory::input, HasSubstr("nan"));
  volume[1][0][1] = -std::numeric_limits<float>::infinity();
  EXPECT_PILLAR_ERROR(pack_voxels(volume, 256), ErrorCategory::input, HasSubstr("-inf"));
  at::Tensor extremes = at::full({2, 2, 2}, std::numeric_limits<double>::max(), at::kDouble);
  extremes.select(0, 0).neg_();
  EXPECT_PILLAR_ERROR(pack_voxels(extremes, 256), ErrorCategory::input, HasSubstr("cannot show values"));
}

}  // namespace
}  // namespace pillar::viz
