#include "pillar/image/resample.h"

#include "image/itk_resample.h"
#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr at::ScalarType kTypes[] = {at::kByte, at::kShort, at::kUInt16, at::kInt, at::kFloat, at::kDouble};
constexpr Interpolation kInterpolations[] = {Interpolation::linear, Interpolation::nearest};

void expect_as_itk(const Volume& input, const std::array<double, 3>& target) {
  for (Interpolation interpolation : kInterpolations) {
    const Volume ours = resample(input, target, interpolation, 2);
    const Volume theirs = test::itk_resample(input, target, size_dhw(ours.voxels_dhw), interpolation);
    EXPECT_TRUE(test::same_voxels(ours.voxels_dhw, theirs.voxels_dhw))
        << c10::toString(input.voxels_dhw.scalar_type()) << " " << input.voxels_dhw.sizes() << " -> "
        << ours.voxels_dhw.sizes() << (interpolation == Interpolation::linear ? " linear" : " nearest");
    EXPECT_EQ(ours.geometry, theirs.geometry);
  }
}

TEST(Resample, AxisAlignedIsItksToTheBit) {
  std::mt19937_64 random(1);
  for (at::ScalarType type : kTypes) {
    const Volume input{test::any_voxels({13, 37, 29}, type, random),
                       test::axis_aligned({0.9570312, 0.83, 2.5}, {-76.5, -80.25, -30.75})};
    expect_as_itk(input, {1.25, 1.25, 1.25});
    expect_as_itk(input, {0.5, 0.41, 1});
    expect_as_itk(input, {0.9570312, 0.83, 2.5});  // its own spacing: rounding of positions included
    expect_as_itk(input, {100, 1, 100});
  }
}

TEST(Resample, NegativeAndPermutedAxesAreItksToTheBit) {
  std::mt19937_64 random(2);
  for (at::ScalarType type : kTypes) {
    Volume input{test::any_voxels({9, 20, 24}, type, random), test::axis_aligned({1, 1.1, 3}, {40, 65, -11})};
    input.geometry.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1};
    expect_as_itk(input, {1.5, 0.7, 2});
    input.geometry.direction = {0, 0, -1, 1, 0, 0, 0, -1, 0};  // sagittal
    expect_as_itk(input, {1.5, 0.7, 2});
  }
}

TEST(Resample, ObliqueIsItksToTheBit) {
  std::mt19937_64 random(3);
  for (at::ScalarType type : kTypes) {
    for (bool mirrored : {false, true}) {
      const Volume input{test::any_voxels({11, 23, 18}, type, random),
                         test::oblique({0.9, 0.7, 1.4999999652729308}, {-12.5, 7.75, -40.125}, mirrored)};
      expect_as_itk(input, {1, 1, 2});
      expect_as_itk(input, {0.31, 0.37, 0.43});
      expect_as_itk(input, {0.9, 0.7, 1.4999999652729308});
    }
  }
}

TEST(Resample, AxesOfOneVoxelAreItksToTheBit) {
  std::mt19937_64 random(4);
  for (const SizeDhw& size : {SizeDhw{1, 7, 9}, SizeDhw{7, 1, 9}, SizeDhw{7, 9, 1}, SizeDhw{1, 1, 1}}) {
    for (at::ScalarType type : {at::kShort, at::kFloat}) {
      const at::Tensor voxels = test::any_voxels(size, type, random);
      expect_as_itk({voxels, test::axis_aligned({1, 1, 1}, {3, 4, 5})}, {0.4, 0.4, 0.4});
      expect_as_itk({voxels, test::oblique({1, 1, 1}, {3, 4, 5})}, {0.4, 1.7, 0.4});
    }
  }
}

TEST(Resample, RandomGeometriesAreItksToTheBit) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> spacing(0.3, 4);
  std::uniform_real_distribution<double> origin(-300, 300);
  std::uniform_int_distribution<std::int64_t> length(1, 24);
  for (int round = 0; round < 120; ++round) {
    const std::array<double, 3> in = {spacing(random), spacing(random), spacing(random)};
    const std::array<double, 3> at = {origin(random), origin(random), origin(random)};
    const std::array<double, 3> target = {spacing(random), spacing(random), spacing(random)};
    const SizeDhw size = {length(random), length(random), length(random)};
    const Geometry geometry =
        round % 3 == 0 ? test::oblique(in, at, round % 2 == 0) : test::axis_aligned(in, at);
    expect_as_itk({test::any_voxels(size, kTypes[round % 6], random), geometry}, target);
  }
}

TEST(Resample, InfinitiesAreClampedAsItkDoes) {
  std::mt19937_64 random(6);
  Volume input{test::any_voxels({4, 5, 6}, at::kFloat, random), test::axis_aligned({1, 1, 1}, {0, 0, 0})};
  input.voxels_dhw.data_ptr<float>()[7] = std::numeric_limits<float>::infinity();
  input.voxels_dhw.data_ptr<float>()[90] = -std::numeric_limits<float>::infinity();
  expect_as_itk(input, {1, 1, 1});
  expect_as_itk(input, {0.5, 2, 2});
}

TEST(Resample, DoesNotDependOnThreads) {
  std::mt19937_64 random(7);
  const at::Tensor voxels = test::any_voxels({20, 70, 33}, at::kShort, random);
  for (const Geometry& geometry :
       {test::axis_aligned({1, 1, 2}, {1, 2, 3}), test::oblique({1, 1, 2}, {1, 2, 3})}) {
    const Volume one = resample({voxels, geometry}, {0.8, 0.8, 0.8}, Interpolation::linear, 1);
    for (int threads : {0, 2, 5}) {
      const Volume many = resample({voxels, geometry}, {0.8, 0.8, 0.8}, Interpolation::linear, threads);
      EXPECT_TRUE(test::same_voxels(one.voxels_dhw, many.voxels_dhw)) << threads << " threads";
    }
  }
}

TEST(Resample, SizesRoundHalvesToEvenAndAreAtLeastOne) {
  const Volume input{at::zeros({5, 7, 1}, at::kShort), test::axis_aligned({1, 1, 1}, {0, 0, 0})};
  const Volume output = resample(input, {10, 2, 2}, Interpolation::linear);
  EXPECT_THAT(size_dhw(output.voxels_dhw), ElementsAre(2, 4, 1));  // 2.5 -> 2, 3.5 -> 4, 0.1 -> 1
}

TEST(Resample, TakesVoxelsThatAreNotContiguous) {
  std::mt19937_64 random(8);
  const at::Tensor voxels = test::any_voxels({6, 7, 8}, at::kShort, random);
  const Geometry geometry = test::axis_aligned({1, 1, 1}, {0, 0, 0});
  const Volume flipped = resample({voxels.transpose(0, 2), geometry}, {0.7, 1, 1}, Interpolation::linear);
  const Volume copied =
      resample({voxels.transpose(0, 2).contiguous(), geometry}, {0.7, 1, 1}, Interpolation::linear);
  EXPECT_TRUE(test::same_voxels(flipped.voxels_dhw, copied.voxels_dhw));
}

TEST(Resample, RefusesSpacingsThatAreNone) {
  const Volume input{at::zeros({2, 2, 2}, at::kShort), Geometry()};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double bad : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    EXPECT_PILLAR_ERROR(resample(input, {1, bad, 1}, Interpolation::linear), ErrorCategory::usage,
                        HasSubstr("spacing"));
    Volume wrong = input;
    wrong.geometry.spacing_xyz_mm[2] = bad;
    EXPECT_PILLAR_ERROR(resample(wrong, {1, 1, 1}, Interpolation::linear), ErrorCategory::input,
                        HasSubstr("spacing"));
  }
}

TEST(Resample, RefusesGridsThatNoScannerMakes) {
  Volume input{at::zeros({2, 2, 2}, at::kShort), Geometry()};
  EXPECT_PILLAR_ERROR(resample(input, {1e-9, 1, 1}, Interpolation::linear), ErrorCategory::input,
                      HasSubstr("voxels"));
  EXPECT_PILLAR_ERROR(resample(input, {1e-4, 1e-4, 1e-4}, Interpolation::linear), ErrorCategory::input,
                      HasSubstr("voxels"));
  input.geometry.direction = {1, 0, 0, 1, 0, 0, 0, 0, 1};
  EXPECT_PILLAR_ERROR(resample(input, {1, 1, 1}, Interpolation::linear), ErrorCategory::input,
                      HasSubstr("direction"));
}

TEST(Resample, RefusesEmptyVolumesAndOtherTypes) {
  EXPECT_PILLAR_ERROR(
      resample({at::zeros({0, 2, 2}, at::kShort), Geometry()}, {1, 1, 1}, Interpolation::linear),
      ErrorCategory::input, HasSubstr("2x2x0"));
  EXPECT_PILLAR_ERROR(
      resample({at::zeros({2, 2, 2}, at::kLong), Geometry()}, {1, 1, 1}, Interpolation::linear),
      ErrorCategory::input, HasSubstr("type"));
}

}  // namespace
}  // namespace pillar
