#include "pillar/image/body_axes.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

const char* const kAllAxes[] = {"SPL", "IPL", "SAL", "SAR", "LSA", "PIR", "RAI", "ALS", "LPS"};

TEST(BodyAxes, LettersNameThem) {
  EXPECT_EQ(to_letters(kAxialBodyAxes), "SPL");
  for (const char* letters : kAllAxes) EXPECT_EQ(to_letters(parse_body_axes(letters)), letters);
  for (const char* wrong : {"", "SP", "SPLL", "SPX", "spl", "SIL", "LRP", "AAA"}) {
    EXPECT_PILLAR_ERROR(parse_body_axes(wrong), ErrorCategory::usage,
                        HasSubstr(fmt::format("axes '{}'", wrong)));
  }
}

TEST(BodyAxes, AGeometrySaysThem) {
  Geometry geometry;
  EXPECT_EQ(to_letters(nearest_body_axes(geometry)), "SPL");
  EXPECT_NEAR(degrees_off_body_axes(geometry), 0, 1e-12);
  geometry.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1};
  EXPECT_EQ(to_letters(nearest_body_axes(geometry)), "SAR");
  geometry.direction = {0, 0, 1, -1, 0, 0, 0, -1, 0};  // columns to the front, rows to the feet
  EXPECT_EQ(to_letters(nearest_body_axes(geometry)), "LIA");
}

TEST(BodyAxes, ObliqueOnesAreTheNearest) {
  Geometry geometry;
  const double c = std::cos(0.5), s = std::sin(0.5);
  geometry.direction = {c, -s, 0, s, c, 0, 0, 0, -1};
  EXPECT_EQ(to_letters(nearest_body_axes(geometry)), "IPL");
  EXPECT_NEAR(degrees_off_body_axes(geometry), 0.5 * 180 / std::acos(-1.0), 1e-9);
  // Each axis gets a direction of its own, even where two are nearest to the same.
  geometry.direction = {0.71, 0.70, 0, 0.05, 0.05, 1, 0.70, 0.71, 0};
  const std::string letters = to_letters(nearest_body_axes(geometry));
  EXPECT_EQ(letters, "PSL");
}

TEST(BodyAxes, EveryVoxelStaysWhereItIs) {
  for (const at::ScalarType type : {at::kShort, at::kUInt16, at::kFloat, at::kByte}) {
    Volume volume;
    volume.voxels_dhw = test::random_voxels(3, 4, 5, type, 0, 200);
    volume.geometry = test::oblique({0.7, 1.1, 2.5}, {-100, 50, 300}, true);
    for (const char* letters : kAllAxes) {
      const AxisOrder order = axis_order(volume.geometry, parse_body_axes(letters));
      const Volume other = reordered(volume, order);
      EXPECT_EQ(to_letters(nearest_body_axes(other.geometry)), letters);
      EXPECT_TRUE(other.voxels_dhw.is_contiguous());
      EXPECT_EQ(other.voxels_dhw.scalar_type(), type);
      EXPECT_EQ(grid_of(other), reordered(grid_of(volume), order));
      const at::Tensor from = volume.voxels_dhw.to(at::kInt), to = other.voxels_dhw.to(at::kInt);
      for (int i = 0; i < 60; ++i) {
        const auto point = volume.geometry.point({double(i % 5), double(i / 5 % 4), double(i / 20)});
        const auto index = other.geometry.index(point);
        const auto at = [&](int axis) { return std::lround(index[static_cast<std::size_t>(axis)]); };
        EXPECT_NEAR(index[0], std::round(index[0]), 1e-9);
        EXPECT_EQ(to[at(2)][at(1)][at(0)].item<int>(), from[i / 20][i / 5 % 4][i % 5].item<int>());
      }
      EXPECT_TRUE(test::same_voxels(
          reordered(other, axis_order(other.geometry, nearest_body_axes(volume.geometry))).voxels_dhw,
          volume.voxels_dhw))
          << "there and back";
    }
  }
}

TEST(BodyAxes, AnOrderThatKeepsAllCopiesNothing) {
  const Volume volume = test::smooth_volume(3, 4, 5);
  const Volume same = reordered(volume, axis_order(volume.geometry, kAxialBodyAxes));
  EXPECT_EQ(same.voxels_dhw.const_data_ptr(), volume.voxels_dhw.const_data_ptr());
  EXPECT_EQ(same.geometry, volume.geometry);
}

}  // namespace
}  // namespace pillar
