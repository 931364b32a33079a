#include "pillar/image/volume.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Geometry, PointOfVoxelZeroIsTheOrigin) {
  const Geometry geometry = test::oblique({0.7, 0.8, 2.5}, {-10, 20, 30});
  EXPECT_EQ(geometry.point({0, 0, 0}), geometry.origin_xyz_mm);
}

TEST(Geometry, PointStepsBySpacingAlongEachAxis) {
  Geometry geometry;
  geometry.spacing_xyz_mm = {0.5, 2, 3};
  geometry.origin_xyz_mm = {10, 20, 30};
  geometry.direction = {0, 1, 0, 1, 0, 0, 0, 0, -1};  // rows run along y, columns along x, slices down
  EXPECT_THAT(geometry.point({4, 0, 0}), ElementsAre(DoubleEq(10), DoubleEq(22), DoubleEq(30)));
  EXPECT_THAT(geometry.point({0, 4, 0}), ElementsAre(DoubleEq(18), DoubleEq(20), DoubleEq(30)));
  EXPECT_THAT(geometry.point({0, 0, 4}), ElementsAre(DoubleEq(10), DoubleEq(20), DoubleEq(18)));
}

TEST(Geometry, IndexIsThePointTheOtherWayRound) {
  Geometry geometry;
  geometry.spacing_xyz_mm = {0.5, 2, 3};
  geometry.origin_xyz_mm = {10, 20, 30};
  geometry.direction = {0, 1, 0, 1, 0, 0, 0, 0, -1};
  EXPECT_THAT(geometry.index({10, 22, 30}), ElementsAre(4, 0, 0));
  EXPECT_THAT(geometry.index({19, 20.25, 15}), ElementsAre(0.5, 4.5, 5));
  for (const bool mirrored : {false, true}) {
    const Geometry turned = test::oblique({0.7, 0.8, 2.5}, {-10, 20, 30}, mirrored);
    EXPECT_THAT(turned.index(turned.point({3, -4.5, 200})),
                ElementsAre(DoubleNear(3, 1e-9), DoubleNear(-4.5, 1e-9), DoubleNear(200, 1e-9)));
  }
}

TEST(Geometry, AxisIsAColumnOfTheDirection) {
  Geometry geometry;
  geometry.direction = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_THAT(geometry.axis(1), ElementsAre(2, 5, 8));
}

TEST(Modality, Names) {
  EXPECT_EQ(parse_modality("ct"), Modality::ct);
  EXPECT_EQ(parse_modality("MRI"), Modality::mr);
  EXPECT_STREQ(to_string(Modality::mr), "MR");
  EXPECT_PILLAR_ERROR(parse_modality("PET"), ErrorCategory::usage, HasSubstr("PET"));
}

TEST(SizeDhw, IsOfThreeAxes) {
  EXPECT_THAT(size_dhw(at::zeros({2, 3, 4})), ElementsAre(2, 3, 4));
  EXPECT_PILLAR_ERROR(size_dhw(at::zeros({2, 3})), ErrorCategory::input, HasSubstr("three axes"));
}

TEST(Grid, IsAVolumeWithoutItsVoxels) {
  const Geometry geometry = test::oblique({0.7, 0.8, 2.5}, {-10, 20, 30});
  EXPECT_EQ(grid_of({at::zeros({2, 3, 4}), geometry, Modality::ct}), (Grid{geometry, {2, 3, 4}}));
}

}  // namespace
}  // namespace pillar
