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
using test::write_edited_series;
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

SliceSpacing judged(const Stack& stack, GapPolicy policy = GapPolicy::interpolate) {
  LoadReport report;
  return judge_spacing(stack, policy, "folder", report);
}

// From 0 on, in these steps.
Stack stack_of_steps(const std::vector<double>& steps) {
  std::vector<double> places = {0};
  for (double step : steps) places.push_back(places.back() + step);
  return stack_of(places);
}

TEST(JudgeSpacing, EvenStackIsTakenAsItIs) {
  LoadReport report;
  const SliceSpacing spacing = judge_spacing(stack_without(20, {}), GapPolicy::fail, "folder", report);
  EXPECT_TRUE(spacing.even);
  EXPECT_EQ(spacing.spacing_mm, 2);
  EXPECT_EQ(spacing.slices, 20);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST(JudgeSpacing, RoundedPositionsAreEvenEnough) {
  std::vector<double> places;
  for (int k = 0; k < 50; ++k) places.push_back(std::round(k * 6.25) / 10);  // 0.625 mm, written to a tenth
  LoadReport report;
  EXPECT_TRUE(judge_spacing(stack_of(places), GapPolicy::fail, "folder", report).even);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("off an even grid")));
}

TEST(JudgeSpacing, HolesAreCountedAndPlaced) {
  LoadReport report;
  const SliceSpacing spacing =
      judge_spacing(stack_without(40, {1, 20, 21}), GapPolicy::interpolate, "folder", report);
  EXPECT_FALSE(spacing.even);
  EXPECT_EQ(spacing.spacing_mm, 2);
  EXPECT_EQ(spacing.slices, 40);
  EXPECT_THAT(spacing.missing_mm, ElementsAre(2, 40, 42));
  EXPECT_THAT(report.notes,
              ElementsAre(AllOf(HasSubstr("from where they lie"), HasSubstr("3 of 40 missing"))));
}

TEST(JudgeSpacing, MoreThanATenthMissingFails) {
  EXPECT_EQ(judged(stack_without(20, {3, 9})).slices, 20);
  EXPECT_PILLAR_ERROR(judged(stack_without(20, {3, 9, 14})), ErrorCategory::input,
                      AllOf(HasSubstr("folder"), HasSubstr("3 of 20 slices are missing")));
  EXPECT_PILLAR_ERROR(judged(stack_without(40, {20, 21, 22, 23, 24, 25})), ErrorCategory::input,
                      HasSubstr("6 of 40 slices are missing"));
}

TEST(JudgeSpacing, StepsThatChangeForGoodAreNoHoles) {
  const SliceSpacing head = judged(stack_of_steps({4, 4, 4, 4, 8, 8, 8, 8, 8, 8}));
  EXPECT_THAT(head.missing_mm, IsEmpty());
  EXPECT_EQ(head.spacing_mm, 4);  // the finest, so that no plane falls between two slices
  EXPECT_EQ(head.slices, 17);
  const SliceSpacing three = judged(stack_of_steps({2, 2, 2, 5, 5, 5, 10, 10, 10}));
  EXPECT_THAT(three.missing_mm, IsEmpty());
  EXPECT_NEAR(three.spacing_mm, 51.0 / 26, 1e-12);
  EXPECT_EQ(three.slices, 27);
}

TEST(JudgeSpacing, StepsThatAreNoMultiplesAreNoHoles) {
  const SliceSpacing spacing = judged(stack_of_steps({1, 1, 1.4, 1, 1, 1.3, 0.9, 1, 1.6, 1}));
  EXPECT_THAT(spacing.missing_mm, IsEmpty());
  EXPECT_LE(spacing.spacing_mm, 0.9);
  EXPECT_THAT(judged(stack_of_steps({1, 1.5, 3.5, 2, 6, 1.25, 6.75})).missing_mm, IsEmpty());
}

TEST(JudgeSpacing, AGapOfAnySizeIsAHole) {
  std::vector<double> steps(40, 1.0);
  steps[20] = 3.4;  // two more planes would lie in it
  EXPECT_THAT(judged(stack_of_steps(steps)).missing_mm, SizeIs(2));
  steps[20] = 7.4;
  EXPECT_PILLAR_ERROR(judged(stack_of_steps(steps)), ErrorCategory::input,
                      HasSubstr("6 of 47 slices are missing"));
  EXPECT_PILLAR_ERROR(judged(stack_of_steps({1, 1.4, 2, 0.7, 3, 900})), ErrorCategory::input,
                      HasSubstr("would be"));
}

TEST(JudgeSpacing, TwoPlanesAlmostInOnePlaceMakeNoFineGrid) {
  EXPECT_GE(judged(stack_of_steps({5, 5, 5, 0.01, 4.99, 5, 5})).spacing_mm, 0.45);
}

TEST(JudgeSpacing, ThePolicyDecides) {
  LoadReport report;
  EXPECT_PILLAR_ERROR(judged(stack_without(20, {3}), GapPolicy::fail), ErrorCategory::input,
                      AllOf(HasSubstr("folder"), HasSubstr("steps of 2 to 4 mm")));
  const SliceSpacing spacing = judge_spacing(stack_without(20, {3}), GapPolicy::ignore, "folder", report);
  EXPECT_TRUE(spacing.even);
  EXPECT_EQ(spacing.slices, 19);
  EXPECT_DOUBLE_EQ(spacing.spacing_mm, 38.0 / 18);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("stacked as if every")));
}

TEST(JudgeSpacing, AHostileGapDoesNotFillTheMemory) {
  EXPECT_PILLAR_ERROR(judged(stack_of({0, 0.01, 0.02, 0.03, 900000})), ErrorCategory::input,
                      HasSubstr("folder"));
  EXPECT_LT(judged(stack_of({0, 0.01, 0.02, 450000, 900000, 1350000})).slices, 100);
}

DicomLoadOptions with_gaps(GapPolicy policy) {
  DicomLoadOptions options;
  options.gaps = policy;
  return options;
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

  const Loaded stacked = load_only_series(dir.path(), with_gaps(GapPolicy::ignore));
  EXPECT_EQ(stacked.volume.voxels_dhw.size(0), 23);
  EXPECT_EQ(stacked.volume.geometry.spacing_xyz_mm[2], 57.5 / 22);
  EXPECT_PILLAR_ERROR(load_only_series(dir.path(), with_gaps(GapPolicy::fail)), ErrorCategory::input,
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
  write_edited_series(dir.path(), counting_volume(3, 2, 2), [](DcmDataset& dataset, int k) {
    set_text(dataset, DCM_ImagePositionPatient, fmt::format("{}\\0\\{}", 10 * k, 0.5 * k));
  });
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input, HasSubstr("beside each other"));
}

}  // namespace
}  // namespace pillar
