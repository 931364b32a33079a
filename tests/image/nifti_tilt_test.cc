// NIfTI files of a tilted gantry: the matrix stacks slices off their normal.
#include "pillar/core/file.h"
#include "pillar/image/prepare.h"

#include "image/nifti_bytes.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::NiftiBytes;
using test::TempDir;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int kTiltedColumns = 24, kTiltedRows = 20, kTiltedSlices = 12;
constexpr double kTiltedStepMm = 4;

// HU that vary linearly in space (RAS).
double tilted_field(double x, double y, double z) {
  return 3 * x + 2 * y + 6 * z - 300;
}

// Where a point lies among the slices, as column, row and slice.
std::array<double, 3> tilted_index(double x, double y, double z, double angle) {
  const double row = (y - 20) / (0.75 * std::cos(angle));
  return {(x + 10) / 0.5, row, (z - 30 - 0.75 * std::sin(angle) * row) / kTiltedStepMm};
}

// Rows along x, columns tilted about x by the angle (radians), slices stacked along z.
std::filesystem::path write_tilted(const TempDir& dir, double angle) {
  NiftiBytes nifti;
  nifti.set_sizes({kTiltedColumns, kTiltedRows, kTiltedSlices});
  nifti.set_type(16, 32);
  nifti.put<std::int16_t>(252, 0);
  nifti.put<std::int16_t>(254, 1);
  const double dy = 0.75 * std::cos(angle), dz = 0.75 * std::sin(angle);
  const double sizes[] = {0.5, 0.75, kTiltedStepMm};
  const double rows[] = {0.5, 0, 0, -10, 0, dy, 0, 20, 0, dz, kTiltedStepMm, 30};
  for (std::size_t i = 0; i < 3; ++i) nifti.put(80 + 4 * i, static_cast<float>(sizes[i]));
  for (std::size_t i = 0; i < 12; ++i) nifti.put(280 + 4 * i, static_cast<float>(rows[i]));
  nifti.clear_voxels();
  for (int k = 0; k < kTiltedSlices; ++k) {
    for (int j = 0; j < kTiltedRows; ++j) {
      for (int i = 0; i < kTiltedColumns; ++i)
        nifti.append(
            static_cast<float>(tilted_field(-10 + 0.5 * i, 20 + dy * j, 30 + dz * j + kTiltedStepMm * k)));
    }
  }
  write_file_atomic(dir / "tilted.nii", std::string_view(nifti.bytes()));
  return dir / "tilted.nii";
}

// Of voxels that lie among the slices, the farthest value from the field; and how many there are.
std::pair<double, int> tilted_difference(const Volume& volume, double angle) {
  double worst = 0;
  int count = 0;
  const at::Tensor values = volume.voxels_dhw.to(at::kDouble).contiguous();
  const double* value = values.const_data_ptr<double>();
  const auto [depth, height, width] = size_dhw(values);
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i, ++value) {
        const auto lps =
            volume.geometry.point({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        const auto [column, row, slice] = tilted_index(-lps[0], -lps[1], lps[2], angle);
        const double slack = 1e-4;
        if (column < -slack || column > kTiltedColumns - 1 + slack || row < -slack ||
            row > kTiltedRows - 1 + slack || slice < -slack || slice > kTiltedSlices - 1 + slack)
          continue;
        worst = std::max(worst, std::abs(*value - tilted_field(-lps[0], -lps[1], lps[2])));
        ++count;
      }
    }
  }
  return {worst, count};
}

TEST(NiftiTilt, ALinearFieldComesBack) {
  TempDir dir;
  for (double degrees : {8.0, 15.0, -22.0}) {
    const double angle = degrees * 3.14159265358979 / 180;
    Notes notes;
    const Volume volume = read_volume_file(write_tilted(dir, angle), {}, notes);
    EXPECT_THAT(notes, Contains(HasSubstr("gantry tilt")));
    EXPECT_EQ(volume.geometry.direction, (std::array<double, 9>{-1, 0, 0, 0, -1, 0, 0, 0, 1}));
    const auto [worst, count] = tilted_difference(volume, angle);
    EXPECT_LT(worst, 1e-2) << degrees;
    EXPECT_GT(count, kTiltedColumns * kTiltedRows * kTiltedSlices / 2);
    EXPECT_EQ(read_volume_grid(dir / "tilted.nii").size_dhw, size_dhw(volume.voxels_dhw));
  }
}

TEST(NiftiTilt, IsResampledOnceToTheGridAskedFor) {
  TempDir dir;
  const double angle = 15 * 3.14159265358979 / 180;
  PrepareOptions options;
  options.modality = Modality::ct;
  options.preprocess.target_spacing_xyz_mm = {1, 1.5, 2};
  const PreparedVolume prepared = prepare_volume_file(write_tilted(dir, angle), options);
  EXPECT_TRUE(prepared.from_true_positions);
  EXPECT_NEAR(prepared.report.gantry_tilt_corrected_deg.value(), 15, 1e-3);
  EXPECT_EQ(prepared.volume.geometry.spacing_xyz_mm, (std::array<double, 3>{1, 1.5, 2}));
  const auto [worst, count] = tilted_difference(prepared.volume, angle);
  EXPECT_LE(worst, 1) << "whole HU, once";
  EXPECT_GT(count, 500);
}

TEST(NiftiTilt, MayBeRefusedOrKept) {
  TempDir dir;
  const std::filesystem::path file = write_tilted(dir, 0.2);
  VolumeFileOptions options;
  Notes notes;
  options.gantry_tilt = TiltPolicy::refuse;
  EXPECT_PILLAR_ERROR(read_volume_file(file, options, notes), ErrorCategory::input, HasSubstr("gantry tilt"));
  options.gantry_tilt = TiltPolicy::keep;
  const Volume kept = read_volume_file(file, options, notes);
  EXPECT_EQ(size_dhw(kept.voxels_dhw), (SizeDhw{kTiltedSlices, kTiltedRows, kTiltedColumns}));
  EXPECT_THAT(notes, Contains(HasSubstr("not sheared back")));
}

}  // namespace
}  // namespace pillar
