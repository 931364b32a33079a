#include "pillar/eval/scan_attention.h"

#include "pillar/data/load_model_input.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <limits>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

constexpr std::int64_t kTokens = 8;  // along each axis of the input

PreprocessSpec cube_spec(std::int64_t side, bool flip) {
  PreprocessSpec spec = default_preprocess_spec("chest_ct", {side, side, side});
  spec.target_spacing_xyz_mm = {3, 3, 3};
  spec.flip_depth = flip;
  return spec;
}

at::Tensor peak_at(const VoxelDhw& token) {
  at::Tensor weights = at::zeros({kTokens, kTokens, kTokens});
  weights[static_cast<std::int64_t>(token[0])][static_cast<std::int64_t>(token[1])]
         [static_cast<std::int64_t>(token[2])] = 1;
  return weights;
}

// The centre of a token in voxels of the input.
VoxelDhw centre_of(const VoxelDhw& token, const Placement& placement) {
  VoxelDhw centre;
  for (std::size_t axis = 0; axis < 3; ++axis)
    centre[axis] = (token[axis] + 0.5) * static_cast<double>(placement.size_dhw[axis]) / kTokens - 0.5;
  return centre;
}

// The mean place of a map's weight, in millimetres.
PatientXyz mass_centre(const Volume& map) {
  PatientXyz centre = {0, 0, 0};
  const SizeDhw size = size_dhw(map.voxels_dhw);
  const float* weight = map.voxels_dhw.const_data_ptr<float>();
  for (std::int64_t k = 0; k < size[0]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[2]; ++i, ++weight) {
        if (*weight == 0) continue;
        const auto point =
            map.geometry.point({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        for (std::size_t axis = 0; axis < 3; ++axis) centre[axis] += *weight * point[axis];
      }
    }
  }
  return centre;
}

void expect_peak_in_place(const Placement& placement, const VoxelDhw& token) {
  const at::Tensor peak = peak_at(token);
  const ScanAttention attention = attention_on_scan({&peak, 1}, placement);
  EXPECT_EQ(size_dhw(attention.map.voxels_dhw), placement.source.size_dhw);
  EXPECT_EQ(attention.map.geometry, placement.source.geometry);
  EXPECT_EQ(attention.map.voxels_dhw.scalar_type(), at::kFloat);
  EXPECT_NEAR(attention.map.voxels_dhw.sum(at::kDouble).item<double>(), 1, 1e-5);
  const PatientXyz expected = to_patient(placement, centre_of(token, placement));
  const PatientXyz found = mass_centre(attention.map);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double voxel = placement.source.geometry.spacing_xyz_mm[axis];
    EXPECT_NEAR(found[axis], expected[axis], 0.75 * voxel) << "axis " << axis;
  }
}

Placement loaded(const std::filesystem::path& scan, const PreprocessSpec& spec) {
  Notes notes;
  return load_model_input(scan, spec, notes).placement;
}

Volume scanned(std::int64_t depth, std::int64_t height, std::int64_t width,
               const std::array<double, 3>& spacing_xyz_mm) {
  Volume volume = test::smooth_volume(depth, height, width, 5);
  volume.geometry = test::axis_aligned(spacing_xyz_mm, {-40, 17, 120});
  return volume;
}

TEST(ScanAttention, APeakOfAResampledCroppedAndFlippedScanIsInPlace) {
  const TempDir dir;
  // 72 x 78 x 80 mm of which 48 mm cubed are taken.
  write_volume_file(dir / "a.nii.gz", scanned(18, 52, 40, {2, 1.5, 4}));
  const Placement placement = loaded(dir / "a.nii.gz", cube_spec(16, true));
  EXPECT_TRUE(placement.flipped);
  EXPECT_NE(placement.source.size_dhw, placement.volume.size_dhw);
  expect_peak_in_place(placement, {1, 6, 3});
  expect_peak_in_place(placement, {7, 0, 4});
}

TEST(ScanAttention, APeakOfAPaddedScanIsInPlace) {
  const TempDir dir;
  // 32 mm along z in an input of 72 mm.
  write_volume_file(dir / "a.nii.gz", scanned(8, 32, 30, {2, 2, 4}));
  for (const bool flip : {false, true}) {
    const Placement placement = loaded(dir / "a.nii.gz", cube_spec(24, flip));
    expect_peak_in_place(placement, {4, 3, 5});
    const at::Tensor outside = peak_at({0, 4, 4});
    EXPECT_PILLAR_ERROR(attention_on_scan({&outside, 1}, placement), ErrorCategory::input,
                        HasSubstr("padding"));
  }
}

TEST(ScanAttention, APeakOfADicomSeriesFromHeadToFeetIsInPlace) {
  const TempDir dir;
  Volume volume = scanned(20, 36, 40, {1.5, 1.5, 3});
  volume.geometry.direction = {1, 0, 0, 0, -1, 0, 0, 0, -1};
  write_dicom_series(dir / "dicom", volume, {});
  const Placement placement = loaded(dir / "dicom", cube_spec(16, true));
  EXPECT_TRUE(placement.in_patient);
  expect_peak_in_place(placement, {2, 5, 1});
}

TEST(ScanAttention, AnObliqueScanIsNoException) {
  const TempDir dir;
  Volume volume = scanned(24, 30, 32, {2.5, 2, 3.5});
  volume.geometry = test::oblique({2.5, 2, 3.5}, {10, -20, 30});
  write_volume_file(dir / "a.nrrd", volume);
  expect_peak_in_place(loaded(dir / "a.nrrd", cube_spec(16, true)), {3, 2, 6});
}

TEST(ScanAttention, WhatLayOnPaddingIsSaid) {
  Placement placement;
  placement.volume.size_dhw = placement.source.size_dhw = {8, 8, 8};
  placement.size_dhw = {16, 8, 8};
  placement.fits = {fit_axis(8, 16), fit_axis(8, 8), fit_axis(8, 8)};
  const at::Tensor even = at::ones({4, 2, 2});
  const ScanAttention attention = attention_on_scan({&even, 1}, placement);
  EXPECT_NEAR(attention.beside_scan, 0.5, 1e-6);
  EXPECT_NEAR(attention.map.voxels_dhw.max().item<float>(), 1.0 / 512, 1e-8);
  EXPECT_NEAR(attention.map.voxels_dhw.min().item<float>(), 1.0 / 512, 1e-8);
}

TEST(ScanAttention, MembersAreAveragedWhateverTheirTokens) {
  Placement placement;
  placement.volume.size_dhw = placement.source.size_dhw = placement.size_dhw = {8, 8, 8};
  placement.fits = {fit_axis(8, 8), fit_axis(8, 8), fit_axis(8, 8)};
  at::Tensor fine = at::zeros({8, 8, 8}), coarse = at::zeros({2, 2, 2});
  fine[7][7][7] = 10;
  coarse[0][0][0] = 1;
  const std::vector<at::Tensor> members = {fine, coarse};
  const Volume map = attention_on_scan(members, placement).map;
  EXPECT_NEAR(map.voxels_dhw[7][7][7].item<float>(), 0.5, 1e-6);
  EXPECT_NEAR(map.voxels_dhw[3][0][2].item<float>(), 0.5 / 64, 1e-7);
  EXPECT_EQ(map.voxels_dhw[4][0][2].item<float>(), 0);
}

TEST(ScanAttention, WeightsThatAreNoneAreRefused) {
  Placement placement;
  placement.volume.size_dhw = placement.source.size_dhw = placement.size_dhw = {8, 8, 8};
  placement.fits = {fit_axis(8, 8), fit_axis(8, 8), fit_axis(8, 8)};
  at::Tensor weights = at::zeros({2, 2, 2});
  EXPECT_PILLAR_ERROR(attention_on_scan({&weights, 1}, placement), ErrorCategory::input,
                      HasSubstr("sum is 0"));
  weights[0][0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(attention_on_scan({&weights, 1}, placement), ErrorCategory::input, HasSubstr("nan"));
}

}  // namespace
}  // namespace pillar
