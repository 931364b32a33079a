// Which scans a batch finds below its inputs, and what it leaves out without failing.
#include "pillar/core/csv.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"

#include "rave/encode_fixture.h"
#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>
#include <string>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::quiet_job;
using test::stored_voxels;
using test::TempDir;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void write_scan_at(const fs::path& folder, const std::string& accession, std::uint32_t seed) {
  DicomWriteOptions options;
  options.accession = accession;
  options.uid_seed = accession;
  write_dicom_series(folder, test::smooth_volume(8, 40, 48, seed), options);
}

TEST(FindScans, AFolderOfVolumeFilesAndSeries) {
  TempDir dir;
  write_scan_at(dir / "in/p1/s1", "A1", 1);
  write_scan_at(dir / "in/p2", "B1", 2);
  write_volume_file(dir / "in/p2/x.nii.gz", test::smooth_volume(8, 40, 48, 3));
  write_volume_file(dir / "in/y.nrrd", test::smooth_volume(8, 40, 48, 4));
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "in"})).brief(), "4 written");
  EXPECT_TRUE(
      test::same_voxels(stored_voxels(dir / "out/x.0.0"), test::smooth_volume(8, 40, 48, 3).voxels_dhw));
}

TEST(FindScans, ASeriesOverFoldersIsOneSampleHoweverLinksLead) {
  TempDir dir;
  write_scan_at(dir / "in", "A1", 1);
  fs::create_directories(dir / "in/more");
  for (int k : {1, 4, 5})
    fs::rename(dir / fmt::format("in/im{:04}.dcm", k), dir / fmt::format("in/more/{}", k));
  fs::create_directory_symlink("..", dir / "in/more/up");
  fs::create_directory_symlink("more", dir / "in/again");
  const EncodeSummary summary =
      run_encode(quiet_job(dir / "out", {dir / "in", dir / "in/", dir / "in/more"}));
  EXPECT_EQ(summary.brief(), "1 written");
  EXPECT_EQ(summary.outcomes.front().source, dir / "in");
  EXPECT_TRUE(
      test::same_voxels(stored_voxels(dir / "out/A1.1.0"), test::smooth_volume(8, 40, 48, 1).voxels_dhw));
}

TEST(FindScans, OfOneNamedFileTheWholeSeriesIsTaken) {
  TempDir dir;
  write_scan_at(dir / "in", "A1", 1);
  write_scan_at(dir / "other", "B1", 2);
  fs::rename(dir / "other/im0000.dcm", dir / "in/other.dcm");
  EncodeJob job = quiet_job(dir / "out", {dir / "in/im0003.dcm"});
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  EXPECT_TRUE(
      test::same_voxels(stored_voxels(dir / "out/A1.1.0"), test::smooth_volume(8, 40, 48, 1).voxels_dhw));
  EXPECT_THAT(read_text_file(dir / "out/A1.1.0/metadata.json"),
              HasSubstr("7 of its 8 images were not named"));
  job.only_named = true;
  job.output_folder = dir / "alone";
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  EXPECT_EQ(stored_voxels(dir / "alone/A1.1.0").size(0), 1);
}

TEST(FindScans, WhatIsLeftOutIsRecordedAndNoFailure) {
  TempDir dir;
  write_scan_at(dir / "in", "A1", 1);
  std::ofstream(dir / "in/readme.txt") << "not DICOM";
  std::ofstream(dir / "in/list.csv") << "a,b";
  const EncodeSummary summary = run_encode(quiet_job(dir / "in/out", {dir / "in"}));
  EXPECT_EQ(summary.brief(), "1 written");
  const CsvTable left_out = read_csv(dir / "in/out/left_out.csv");
  EXPECT_THAT(left_out.header, ElementsAre("path", "class", "count", "reason"));
  EXPECT_THAT(left_out.rows, ElementsAre(ElementsAre((dir / "in").string(), "not DICOM", "2", "")));
  const EncodeSummary again = run_encode(quiet_job(dir / "in/out", {dir / "in"}));
  EXPECT_EQ(again.brief(), "1 there already");
  EXPECT_THAT(read_csv(dir / "in/out/left_out.csv").rows, Contains(Contains("own output")));
  EXPECT_THAT(read_csv(dir / "in/out/failures.csv").rows, IsEmpty());
}

TEST(FindScans, ADamagedFileFailsAndTheRestIsEncoded) {
  TempDir dir;
  write_scan_at(dir / "in", "A1", 1);
  write_scan_at(dir / "in/b", "B1", 2);
  fs::resize_file(dir / "in/b/im0007.dcm", 300);
  const EncodeSummary summary = run_encode(quiet_job(dir / "out", {dir / "in"}));
  EXPECT_EQ(summary.brief(), "2 written, 1 failed");
  EXPECT_THAT(read_csv(dir / "out/failures.csv").rows.front()[2], HasSubstr("im0007.dcm"));
}

TEST(FindScans, AWrongPathLeavesNoFolderBehind) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(run_encode(quiet_job(dir / "out", {dir / "none"})), ErrorCategory::io,
                      HasSubstr("none: no such file or folder"));
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST(FindScans, TwoPhasesAreTwoSamplesOrTheOneThatIsPicked) {
  PILLAR_NEEDS_CASE("two_phases_half_a_slice_apart");
  TempDir dir;
  EncodeJob job = quiet_job(dir / "out", {test::scan_case("two_phases_half_a_slice_apart/in")});
  EXPECT_EQ(run_encode(job).brief(), "2 written");
  for (const char* name : {"out/PHASES.2.0", "out/PHASES.2.1"})
    EXPECT_EQ(stored_voxels(dir / name).size(0), 12);
  EXPECT_THAT(read_text_file(dir / "out/PHASES.2.1/metadata.json"), HasSubstr("AcquisitionNumber 2"));
  job.output_folder = dir / "picked";
  job.prepare.volume_index = 1;
  const EncodeSummary picked = run_encode(job);
  ASSERT_THAT(picked.outcomes, SizeIs(1));
  EXPECT_EQ(picked.outcomes.front().output, dir / "picked/PHASES.2.1");
}

TEST(FindScans, ACaptureInASeriesIsNoFailure) {
  PILLAR_NEEDS_CASE("capture_in_the_series");
  TempDir dir;
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {test::scan_case("capture_in_the_series/in")})).brief(),
            "1 written");
  const CsvTable left_out = read_csv(dir / "out/left_out.csv");
  ASSERT_THAT(left_out.rows, SizeIs(1));
  EXPECT_THAT(left_out.rows.front()[0], HasSubstr("zz.dcm"));
  EXPECT_EQ(left_out.rows.front()[1], "screen capture");
}

}  // namespace
}  // namespace pillar
