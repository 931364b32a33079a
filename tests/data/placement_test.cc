#include "pillar/data/placement.h"

#include "pillar/data/model_input.h"
#include "pillar/image/volume_file.h"

#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <gmock/gmock.h>

namespace pillar {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

Scan placed_scan(const SizeDhw& size, const Geometry& geometry = {}) {
  Scan scan;
  scan.name = "PH1";
  scan.volume.voxels_dhw =
      at::arange(size[0] * size[1] * size[2], at::kShort).view({size[0], size[1], size[2]});
  scan.volume.geometry = geometry;
  scan.geometry_known = true;
  return scan;
}

// Voxels as they are, -1 where there is padding.
PreprocessSpec fitted_to(const SizeDhw& size, bool flip = false) {
  PreprocessSpec spec = default_preprocess_spec("chest_ct", size);
  spec.target_spacing_xyz_mm.reset();
  spec.flip_depth = flip;
  spec.intensity = IntensityMap::native;
  return spec;
}

ModelInput placed_input(const Scan& scan, const PreprocessSpec& spec, std::optional<double> depth_crop = {}) {
  Notes notes;
  return model_input(scan, spec, notes, depth_crop);
}

Geometry coarse() {
  return test::axis_aligned({0.5, 1, 2}, {10, 20, 30});
}

TEST(Placement, ACropMovesTheFirstVoxelInwards) {
  const ModelInput input = placed_input(placed_scan({7, 6, 5}, coarse()), fitted_to({4, 3, 2}));
  EXPECT_FALSE(input.placement.pads());
  EXPECT_TRUE(input.placement.in_patient);
  EXPECT_THAT(to_volume(input.placement, {0, 0, 0}), ElementsAre(1, 1, 1));
  EXPECT_THAT(input.to_patient({0, 0, 0}), ElementsAre(10.5, 21, 32));
  EXPECT_THAT(input.to_patient({3, 2, 1}), ElementsAre(11, 23, 38));
  EXPECT_THAT(from_patient(input.placement, {11, 23, 38}), ElementsAre(3, 2, 1));
}

TEST(Placement, PaddingLiesOutsideTheVolume) {
  const ModelInput input = placed_input(placed_scan({2, 2, 2}, coarse()), fitted_to({5, 4, 3}));
  EXPECT_TRUE(input.placement.pads());
  EXPECT_THAT(to_volume(input.placement, {0, 0, 0}), ElementsAre(-1, -1, 0));
  EXPECT_THAT(input.to_patient({0, 0, 0}), ElementsAre(10, 19, 28));
  EXPECT_THAT(input.to_patient({1, 1, 0}), ElementsAre(10, 20, 30));
  EXPECT_THAT(from_patient(input.placement, {10, 19, 28}), ElementsAre(0, 0, 0));
}

TEST(Placement, AFlipCountsSlicesFromTheEndAfterTheFit) {
  const ModelInput padded = placed_input(placed_scan({3, 1, 1}, coarse()), fitted_to({4, 1, 1}, true));
  EXPECT_TRUE(padded.placement.flipped);
  EXPECT_THAT(to_volume(padded.placement, {0, 0, 0}), ElementsAre(3, 0, 0)) << "padding";
  EXPECT_THAT(padded.to_patient({1, 0, 0}), ElementsAre(10, 20, 34));
  EXPECT_THAT(padded.to_patient({3, 0, 0}), ElementsAre(10, 20, 30));
  EXPECT_THAT(from_patient(padded.placement, {10, 20, 34}), ElementsAre(1, 0, 0));

  const ModelInput cropped = placed_input(placed_scan({9, 1, 1}, coarse()), fitted_to({4, 1, 1}, true), 0.99);
  EXPECT_THAT(to_volume(cropped.placement, {0, 0, 0}), ElementsAre(8, 0, 0)) << "the crop was drawn";
  EXPECT_THAT(to_volume(cropped.placement, {3, 0, 0}), ElementsAre(5, 0, 0));
}

TEST(Placement, AxesThatAreSwappedAndMirroredStayExact) {
  Geometry geometry = coarse();
  geometry.direction = {0, 1, 0, 1, 0, 0, 0, 0, -1};  // columns run along y, rows along x, slices down
  PreprocessSpec spec = fitted_to({3, 3, 4});
  spec.axes.reset();
  const ModelInput input = placed_input(placed_scan({5, 3, 4}, geometry), spec);
  EXPECT_THAT(input.to_patient({0, 0, 0}), ElementsAre(10, 20, 28));
  EXPECT_THAT(input.to_patient({2, 1, 3}), ElementsAre(11, 21.5, 24));
  EXPECT_THAT(from_patient(input.placement, {11, 21.5, 24}), ElementsAre(2, 1, 3));
}

TEST(Placement, AxesThatWereBroughtToTheModelsStayInThePatient) {
  Geometry geometry = coarse();
  geometry.direction = {0, 1, 0, 1, 0, 0, 0, 0, -1};
  const ModelInput input = placed_input(placed_scan({5, 3, 4}, geometry), fitted_to({3, 4, 3}));
  // Slices 3, 2, 1 of 5, which lie 2 mm below each other; rows are what were columns.
  EXPECT_THAT(to_volume(input.placement, {0, 0, 0}), ElementsAre(3, 0, 0));
  EXPECT_THAT(to_volume(input.placement, {2, 3, 1}), ElementsAre(1, 1, 3));
  EXPECT_THAT(input.to_patient({0, 0, 0}), ElementsAre(10, 20, 24));
  EXPECT_THAT(input.to_patient({2, 3, 1}), ElementsAre(11, 21.5, 28));
  EXPECT_THAT(from_patient(input.placement, {11, 21.5, 28}), ElementsAre(2, 3, 1));
}

TEST(Placement, ObliqueAxesComeBack) {
  const Geometry geometry = test::oblique({0.7, 0.8, 2.5}, {-100, 50, 300}, true);
  const ModelInput input = placed_input(placed_scan({9, 6, 5}, geometry), fitted_to({6, 8, 4}, true));
  for (const VoxelDhw& voxel : {VoxelDhw{0, 0, 0}, VoxelDhw{5, 7, 3}, VoxelDhw{2.5, -0.5, 1.25}}) {
    const PatientXyz point = input.to_patient(voxel);
    const auto [d, h, w] = to_volume(input.placement, voxel);
    EXPECT_EQ(point, geometry.point({w, h, d}));
    EXPECT_THAT(
        from_patient(input.placement, point),
        ElementsAre(DoubleNear(voxel[0], 1e-9), DoubleNear(voxel[1], 1e-9), DoubleNear(voxel[2], 1e-9)));
  }
}

// Every voxel of the input against the voxel of the volume where it is said to come from.
void expect_true_origins(const Scan& scan, const ModelInput& input) {
  const SizeDhw stored = size_dhw(scan.volume.voxels_dhw), size = input.placement.size_dhw;
  for (std::int64_t i = 0; i < size[0] * size[1] * size[2]; ++i) {
    const VoxelDhw voxel = {static_cast<double>(i / (size[1] * size[2])),
                            static_cast<double>(i / size[2] % size[1]), static_cast<double>(i % size[2])};
    const auto [d, h, w] = to_volume(input.placement, voxel);
    EXPECT_EQ(from_volume(input.placement, {d, h, w}), voxel);
    const bool inside = d >= 0 && h >= 0 && w >= 0 && d < static_cast<double>(stored[0]) &&
                        h < static_cast<double>(stored[1]) && w < static_cast<double>(stored[2]);
    const auto from = static_cast<std::int16_t>(
        (d * static_cast<double>(stored[1]) + h) * static_cast<double>(stored[2]) + w);
    EXPECT_EQ(input.voxels_cdhw.view({-1})[i].item<std::int16_t>(), inside ? from : -1);
  }
}

TEST(Placement, SaysWhereEveryVoxelComesFrom) {
  for (const SizeDhw& stored : {SizeDhw{5, 4, 3}, SizeDhw{2, 7, 6}, SizeDhw{8, 3, 4}}) {
    for (const SizeDhw& size : {SizeDhw{4, 4, 4}, SizeDhw{5, 2, 7}, SizeDhw{3, 6, 3}}) {
      for (const bool flip : {false, true}) {
        for (const char* axes : {"SPL", "IAL", "LSA", "PRI"}) {
          const Scan scan = placed_scan(stored);
          PreprocessSpec spec = fitted_to(size, flip);
          spec.axes = parse_body_axes(axes);
          expect_true_origins(scan, placed_input(scan, spec));
        }
      }
    }
  }
}

// int16 that rises evenly along each axis, so that values between its voxels are known.
Volume ramp(const Geometry& geometry) {
  Volume volume{at::empty({6, 8, 10}, at::kShort), geometry, Modality::ct};
  auto* data = volume.voxels_dhw.mutable_data_ptr<std::int16_t>();
  for (int i = 0; i < 6 * 8 * 10; ++i)
    data[i] = static_cast<std::int16_t>(400 * (i / 80) + 40 * (i / 10 % 8) + 4 * (i % 10));
  return volume;
}

TEST(Placement, ReachesTheVoxelsOfAFileThatWasResampled) {
  test::TempDir dir;
  const Geometry geometry = test::axis_aligned({2, 4, 4}, {-32, 16, 8});
  write_volume_file(dir / "ramp.nii", ramp(geometry));
  PreprocessSpec spec = fitted_to({16, 20, 12}, true);
  spec.target_spacing_xyz_mm = {1, 1, 2};
  ScanReadOptions reading;
  reading.prepare = prepare_options(spec);
  const Scan scan = open_scan({dir / "ramp.nii", ""}, reading).read();
  const ModelInput input = placed_input(scan, spec);

  EXPECT_EQ(input.placement.source.geometry, geometry);
  EXPECT_EQ(input.placement.source.size_dhw, (SizeDhw{6, 8, 10}));
  // 12 resampled slices, 2 of padding on either side, turned round; 32 rows, 6 cropped; 20 columns, 4
  // cropped.
  EXPECT_THAT(to_source(input.placement, {13, 0, 0}), ElementsAre(0, 1.5, 2));
  EXPECT_THAT(to_source(input.placement, {4, 2, 1}), ElementsAre(4.5, 2, 2.5));
  EXPECT_THAT(from_source(input.placement, {4.5, 2, 2.5}), ElementsAre(4, 2, 1));
  EXPECT_THAT(input.to_patient({13, 0, 0}), ElementsAre(-28, 22, 8));
  for (const auto& [d, h, w] : {VoxelDhw{13, 0, 0}, VoxelDhw{4, 2, 1}, VoxelDhw{7, 19, 11}}) {
    const auto [slice, row, column] = to_source(input.placement, {d, h, w});
    EXPECT_EQ(input
                  .voxels_cdhw[0][static_cast<std::int64_t>(d)][static_cast<std::int64_t>(h)]
                              [static_cast<std::int64_t>(w)]
                  .item<std::int16_t>(),
              static_cast<std::int16_t>(400 * slice + 40 * row + 4 * column));
  }
}

TEST(Placement, WithoutGeometryTheGridsAreStillKnown) {
  Scan scan = placed_scan({4, 4, 4});
  scan.geometry_known = false;
  const ModelInput input = placed_input(scan, fitted_to({2, 4, 4}, true));
  EXPECT_FALSE(input.placement.in_patient);
  EXPECT_EQ(input.placement.source, input.placement.volume) << "nothing was resampled";
  EXPECT_THAT(to_source(input.placement, {0, 1, 2}), ElementsAre(2, 1, 2));
}

}  // namespace
}  // namespace pillar
