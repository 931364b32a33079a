// Series as they come, each with the right voxels in the right place.
#include "pillar/core/file_walk.h"
#include "pillar/image/volume_file.h"

#include "image/dicom_fixture.h"
#include "support/cases.h"
#include "support/expect_error.h"

#include <ATen/ATen.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DicomScan scan_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const WalkedFile& file : walk_files({folder}).files) files.push_back(file.path);
  return scan_dicom_files(files, 2);
}

Volume loaded_volume(const DicomSeries& series, LoadReport& report) {
  return load_series(series, {}, report);
}

// NIfTI keeps geometry as float32 and may have its slices the other way round.
void expect_right(Volume volume, const fs::path& right_file) {
  VolumeFileOptions options;
  Notes notes;
  const Volume right = read_volume_file(right_file, options, notes);
  ASSERT_EQ(volume.voxels_dhw.sizes(), right.voxels_dhw.sizes());
  if (volume.geometry.axis(2)[2] * right.geometry.axis(2)[2] < 0) {
    const double extent =
        static_cast<double>(volume.voxels_dhw.size(0) - 1) * volume.geometry.spacing_xyz_mm[2];
    for (std::size_t i = 0; i < 3; ++i) {
      volume.geometry.origin_xyz_mm[i] += extent * volume.geometry.direction[3 * i + 2];
      volume.geometry.direction[3 * i + 2] *= -1;
    }
    volume.voxels_dhw = volume.voxels_dhw.flip(0);
  }
  EXPECT_TRUE(at::equal(volume.voxels_dhw.to(at::kDouble), right.voxels_dhw.to(at::kDouble)));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(volume.geometry.spacing_xyz_mm[i], right.geometry.spacing_xyz_mm[i], 1e-5);
    EXPECT_NEAR(volume.geometry.origin_xyz_mm[i], right.geometry.origin_xyz_mm[i], 1e-4);
  }
  for (std::size_t i = 0; i < 9; ++i)
    EXPECT_NEAR(volume.geometry.direction[i], right.geometry.direction[i], 1e-6);
}

// Of a case that is one series and loads as one volume.
void expect_one_right_volume(const std::string& name) {
  const DicomScan scan = scan_below(test::scan_case(name + "/in"));
  ASSERT_THAT(scan.series, SizeIs(1));
  LoadReport report;
  expect_right(loaded_volume(scan.series.front(), report), test::scan_case(name + "/right.nii.gz"));
}

TEST(DicomCases, ACaptureInTheSeriesIsLeftOut) {
  PILLAR_NEEDS_CASE("capture_in_the_series");
  const DicomScan scan = scan_below(test::scan_case("capture_in_the_series/in"));
  ASSERT_THAT(scan.series, SizeIs(1));
  ASSERT_THAT(scan.series.front().excluded, SizeIs(1));
  EXPECT_EQ(scan.series.front().excluded.front().kind, LeftOut::screen_capture);
  EXPECT_EQ(scan.series.front().excluded.front().file.filename(), "zz.dcm");
  EXPECT_THAT(scan.damaged, IsEmpty());
  LoadReport report;
  expect_right(loaded_volume(scan.series.front(), report),
               test::scan_case("capture_in_the_series/right.nii.gz"));
}

TEST(DicomCases, PositionsOfAnUnknownValueRepresentationAreRead) {
  PILLAR_NEEDS_CASE("positions_with_vr_un");
  expect_one_right_volume("positions_with_vr_un");
}

TEST(DicomCases, RescaleOnHalfOfTheSlicesIsRefused) {
  PILLAR_NEEDS_CASE("rescale_on_half");
  const DicomScan scan = scan_below(test::scan_case("rescale_on_half/in"));
  ASSERT_THAT(scan.series, SizeIs(1));
  LoadReport report;
  EXPECT_PILLAR_ERROR(loaded_volume(scan.series.front(), report), ErrorCategory::input,
                      AllOf(HasSubstr(".dcm"), HasSubstr("6 of 12 planes"), HasSubstr("-1024")));
}

TEST(DicomCases, ASeriesInTwoFoldersIsOneVolume) {
  PILLAR_NEEDS_CASE("series_in_two_folders");
  expect_one_right_volume("series_in_two_folders");
}

TEST(DicomCases, TwoPhasesHalfASliceApartAreTwoVolumes) {
  PILLAR_NEEDS_CASE("two_phases_half_a_slice_apart");
  const DicomScan scan = scan_below(test::scan_case("two_phases_half_a_slice_apart/in"));
  ASSERT_THAT(scan.series, SizeIs(2));
  EXPECT_EQ(scan.series[0].volume_key, "AcquisitionNumber 1");
  EXPECT_EQ(scan.series[1].volume_key, "AcquisitionNumber 2");
  EXPECT_THAT(scan.series[1].planes, SizeIs(12));
  LoadReport report;
  expect_right(loaded_volume(scan.series[0], report),
               test::scan_case("two_phases_half_a_slice_apart/right.nii.gz"));
  EXPECT_DOUBLE_EQ(loaded_volume(scan.series[1], report).geometry.spacing_xyz_mm[2], 3);
}

TEST(DicomCases, ZerosAfterThePixelDataAreRead) {
  PILLAR_NEEDS_CASE("zeros_after_the_end");
  const DicomScan scan = scan_below(test::scan_case("zeros_after_the_end/in"));
  ASSERT_THAT(scan.series, SizeIs(1));
  LoadReport report;
  expect_right(loaded_volume(scan.series.front(), report),
               test::scan_case("zeros_after_the_end/right.nii.gz"));
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("12 of 12"), HasSubstr("after the pixel data"))));
}

}  // namespace
}  // namespace pillar
