#include "image/dicom/dicom_gaps.h"

#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::Loaded;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Stack stack_of(std::vector<double> places) {
  Stack stack;
  stack.extent = places.back();
  stack.places = std::move(places);
  return stack;
}

// `count` slices 2 mm apart, without those in `missing`.
Stack stack_without(int count, const std::vector<int>& missing) {
  std::vector<double> places;
  for (int k = 0; k < count; ++k) {
    if (std::find(missing.begin(), missing.end(), k) == missing.end()) places.push_back(2.0 * k);
  }
  return stack_of(places);
}

TEST(PlanSlices, EvenStackIsTakenAsItIs) {
  LoadReport report;
  const SlicePlan plan = plan_slices(stack_without(20, {}), GapPolicy::fail, "folder", report);
  EXPECT_EQ(plan.spacing_mm, 2);
  EXPECT_THAT(plan.slices, SizeIs(20));
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST(PlanSlices, RoundedPositionsAreEvenEnough) {
  std::vector<double> places;
  for (int k = 0; k < 50; ++k) places.push_back(std::round(k * 6.25) / 10);  // 0.625 mm, written to a tenth
  LoadReport report;
  const SlicePlan plan = plan_slices(stack_of(places), GapPolicy::fail, "folder", report);
  EXPECT_THAT(plan.slices, SizeIs(50));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("off an even grid")));
}

TEST(PlanSlices, HolesAreFilledFromTheirNeighbours) {
  LoadReport report;
  const SlicePlan plan =
      plan_slices(stack_without(40, {1, 20, 21}), GapPolicy::interpolate, "folder", report);
  EXPECT_EQ(plan.spacing_mm, 2);
  ASSERT_THAT(plan.slices, SizeIs(40));
  EXPECT_THAT(report.filled_positions_mm, ElementsAre(2, 40, 42));
  EXPECT_EQ(plan.slices[1].lower, 0u);
  EXPECT_EQ(plan.slices[1].upper, 1u);
  EXPECT_DOUBLE_EQ(plan.slices[1].weight, 0.5);
  EXPECT_DOUBLE_EQ(plan.slices[21].weight, 2.0 / 3);
  EXPECT_EQ(plan.slices[39].lower, 36u);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("3 of 40 slices were made by linear interpolation")));
}

TEST(PlanSlices, MoreThanATenthMissingFails) {
  LoadReport report;
  EXPECT_EQ(plan_slices(stack_without(20, {3, 9}), GapPolicy::interpolate, "folder", report).slices.size(),
            20u);
  EXPECT_PILLAR_ERROR(plan_slices(stack_without(20, {3, 9, 14}), GapPolicy::interpolate, "a folder", report),
                      ErrorCategory::input,
                      AllOf(HasSubstr("a folder"), HasSubstr("3 of 20 slices are missing")));
}

TEST(PlanSlices, UnevenStackIsReadOffAtItsMedianStep) {
  std::vector<double> places;
  for (int k = 0; k < 30; ++k) places.push_back(k < 15 ? k : k + 0.4);  // a step of 1.4 mm in the middle
  LoadReport report;
  const SlicePlan plan = plan_slices(stack_of(places), GapPolicy::interpolate, "folder", report);
  EXPECT_DOUBLE_EQ(plan.spacing_mm, 1);
  ASSERT_THAT(plan.slices, SizeIs(30));
  EXPECT_EQ(plan.slices[14].weight, 0);
  EXPECT_EQ(plan.slices[15].lower, 14u);
  EXPECT_NEAR(plan.slices[15].weight, 1 / 1.4, 1e-12);
  EXPECT_NEAR(plan.slices[29].weight, 0.6, 1e-12);
  EXPECT_THAT(report.filled_positions_mm, SizeIs(15));
}

TEST(PlanSlices, ThePolicyDecides) {
  LoadReport report;
  EXPECT_PILLAR_ERROR(plan_slices(stack_without(20, {3}), GapPolicy::fail, "a folder", report),
                      ErrorCategory::input, AllOf(HasSubstr("a folder"), HasSubstr("steps of 2 to 4 mm")));
  const SlicePlan plan = plan_slices(stack_without(20, {3}), GapPolicy::ignore, "folder", report);
  EXPECT_THAT(plan.slices, SizeIs(19));
  EXPECT_DOUBLE_EQ(plan.spacing_mm, 38.0 / 18);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("stacked as if every")));
}

TEST(PlanSlices, AHostileGapDoesNotFillTheMemory) {
  LoadReport report;
  EXPECT_PILLAR_ERROR(
      plan_slices(stack_of({0, 0.01, 0.02, 0.03, 900000}), GapPolicy::interpolate, "folder", report),
      ErrorCategory::input, HasSubstr("folder"));
}

TEST(LoadSeries, FillsAMissingSlice) {
  TempDir dir;
  const Volume whole = counting_volume(24, 3, 4);
  write_dicom_series(dir.path(), whole, {});
  fs::remove(slice_file(dir.path(), 11));
  const Loaded loaded = load_only_series(dir.path());
  // The voxels are linear in the slice, so the filled one is exact.
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, whole.voxels_dhw));
  EXPECT_EQ(loaded.volume.geometry, whole.geometry);
  EXPECT_EQ(loaded.report.source_slice_count, 23);
  EXPECT_THAT(loaded.report.filled_positions_mm, ElementsAre(27.5));

  const Loaded stacked = load_only_series(dir.path(), {GapPolicy::ignore});
  EXPECT_EQ(stacked.volume.voxels_dhw.size(0), 23);
  EXPECT_EQ(stacked.volume.geometry.spacing_xyz_mm[2], 57.5 / 22);
  EXPECT_PILLAR_ERROR(load_only_series(dir.path(), {GapPolicy::fail}), ErrorCategory::input,
                      HasSubstr(dir.path().string()));
}

TEST(LoadSeries, FillsInDoublesWhereTheRescaleIsNotWhole) {
  TempDir dir;
  Volume whole = counting_volume(24, 3, 4);
  whole.modality = Modality::mr;
  DicomWriteOptions options;
  options.rescale_slope = 0.5;
  write_dicom_series(dir.path(), whole, options);
  fs::remove(slice_file(dir.path(), 11));
  const Volume loaded = load_only_series(dir.path()).volume;
  EXPECT_EQ(loaded.voxels_dhw.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::allclose(loaded.voxels_dhw, whole.voxels_dhw.to(at::kDouble), 0, 1e-9));
}

TEST(LoadSeries, GantryTiltIsReported) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(5, 2, 2), {});
  for (int k = 0; k < 5; ++k) {
    edit_dicom(slice_file(dir.path(), k), [k](DcmDataset& dataset) {
      set_text(dataset, DCM_GantryDetectorTilt, "15");
      set_text(dataset, DCM_ImagePositionPatient,
               fmt::format("-10\\{:.6f}\\{}", 20 + k * 2.5 * 0.267949, 30 + 2.5 * k));
    });
  }
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_THAT(loaded.report.notes, ElementsAre(AllOf(HasSubstr("gantry tilt"), HasSubstr("15.00 degrees"))));
  EXPECT_NEAR(loaded.volume.geometry.spacing_xyz_mm[2], 2.5 / std::cos(15 * 3.14159265 / 180), 1e-6);
}

TEST(LoadSeries, DuplicatePositionsAreAnError) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(4, 2, 2), {});
  edit_dicom(slice_file(dir.path(), 2),
             [](DcmDataset& dataset) { set_text(dataset, DCM_ImagePositionPatient, "-10\\20.25\\32.5"); });
  EXPECT_PILLAR_ERROR(
      load_only_series(dir.path()), ErrorCategory::input,
      AllOf(HasSubstr("im0002.dcm"), HasSubstr("duplicate position"), HasSubstr("im0001.dcm")));
}

TEST(LoadSeries, PlanesBesideEachOtherAreNoVolume) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  for (int k = 0; k < 3; ++k) {
    edit_dicom(slice_file(dir.path(), k), [k](DcmDataset& dataset) {
      set_text(dataset, DCM_ImagePositionPatient, fmt::format("{}\\0\\{}", 10 * k, 0.5 * k));
    });
  }
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input, HasSubstr("beside each other"));
}

}  // namespace
}  // namespace pillar
