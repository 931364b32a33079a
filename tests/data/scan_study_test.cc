// Which files are one scan to a model: a DICOM study, wherever its series lie.
#include "pillar/data/scan.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Series of one study have one accession.
void write_study_series(const fs::path& folder, const std::string& study, std::int64_t number,
                        std::int64_t slices, const std::string& accession) {
  DicomWriteOptions options;
  options.accession = accession;
  options.series_number = number;
  options.study_uid = "2.25." + study;
  options.uid_seed = study + std::to_string(number);
  write_dicom_series(folder, test::smooth_volume(slices, 32, 40), options);
}

TEST(ScanStudy, SeriesInFoldersOfTheirOwnAreOneScan) {
  TempDir dir;
  write_study_series(dir / "in/p1/a", "1", 1, 5, "A1");
  write_study_series(dir / "in/p1/b/deep", "1", 2, 9, "A1");
  write_study_series(dir / "in/p2", "2", 1, 4, "A2");
  const std::vector<ScanEntry> scans = list_scans({dir / "in"});
  ASSERT_THAT(scans, SizeIs(2));
  EXPECT_EQ(scans[0].path, dir / "in/p1");
  EXPECT_EQ(scans[1].path, dir / "in/p2");
  const OpenedScan opened = open_scan(scans[0], {});
  EXPECT_EQ(opened.name, "A1");
  EXPECT_THAT(opened.notes, ElementsAre(HasSubstr("2 series, taken is number 2")));
  EXPECT_EQ(opened.read().volume.voxels_dhw.size(0), 9);
  EXPECT_EQ(open_scan({dir / "in/p1", ""}, {}).read().volume.voxels_dhw.size(0), 9) << "a manifest's path";
}

TEST(ScanStudy, ASeriesInTwoFoldersIsOneScan) {
  PILLAR_NEEDS_CASE("series_in_two_folders");
  const std::vector<ScanEntry> scans = list_scans({test::scan_case("series_in_two_folders/in")});
  ASSERT_THAT(scans, SizeIs(1));
  const OpenedScan opened = open_scan(scans[0], {});
  EXPECT_THAT(opened.notes, IsEmpty());
  EXPECT_EQ(opened.read().volume.voxels_dhw.size(0), 12);
}

TEST(ScanStudy, TwoStudiesInOneFolderAreTwoScansAndNeverOneRow) {
  TempDir dir;
  write_study_series(dir / "a", "1", 1, 5, "");
  write_study_series(dir / "b", "2", 1, 7, "");
  fs::create_directories(dir / "flat");
  for (const char* folder : {"a", "b"}) {
    for (const auto& file : fs::directory_iterator(dir / folder))
      fs::copy_file(file.path(), dir / "flat" / (folder + file.path().filename().string()));
  }
  const std::vector<ScanEntry> scans = list_scans({dir / "flat"});
  ASSERT_THAT(scans, SizeIs(2));
  EXPECT_EQ(open_scan(scans[0], {}).name, "2.25.1") << "the folder's name would be that of both";
  EXPECT_EQ(open_scan(scans[1], {}).name, "2.25.2");
  EXPECT_EQ(open_scan(list_scans({dir / "a"}).at(0), {}).name, "a");
  EXPECT_PILLAR_ERROR(open_scan({dir / "flat", "row"}, {}), ErrorCategory::input,
                      AllOf(HasSubstr("flat: holds 2 scans"), HasSubstr("2.25.1"), HasSubstr("2.25.2")));
}

TEST(ScanStudy, AnUidThatAllPatientsShareMakesNoStudyOfThem) {
  TempDir dir;
  write_study_series(dir / "in/a", "1", 1, 5, "A1");
  write_study_series(dir / "in/b", "1", 2, 7, "B1");
  const std::vector<ScanEntry> scans = list_scans({dir / "in"});
  ASSERT_THAT(scans, SizeIs(2));
  EXPECT_EQ(open_scan(scans[1], {}).name, "B1");
}

TEST(ScanStudy, OfANamedFileTheWholeSeries) {
  TempDir dir;
  write_study_series(dir / "a", "1", 1, 6, "A1");
  const std::vector<ScanEntry> scans = list_scans({dir / "a/im0002.dcm"});
  ASSERT_THAT(scans, SizeIs(1));
  EXPECT_EQ(open_scan(scans[0], {}).read().volume.voxels_dhw.size(0), 6);
}

TEST(ScanStudy, APathWithOneVolumeFileIsThatFile) {
  TempDir dir;
  fs::create_directories(dir / "p1");
  write_volume_file(dir / "p1/ct.nii.gz", test::smooth_volume(5, 32, 40));
  EXPECT_EQ(open_scan({dir / "p1", "row"}, {}).name, "row");
  write_volume_file(dir / "p1/ct2.nii.gz", test::smooth_volume(5, 32, 40));
  EXPECT_PILLAR_ERROR(open_scan({dir / "p1", "row"}, {}), ErrorCategory::input, HasSubstr("holds 2 scans"));
}

TEST(ScanStudy, AFileThatCannotBeReadIsAFaultBesideTheRest) {
  TempDir dir;
  write_study_series(dir / "in", "1", 1, 6, "A1");
  fs::resize_file(dir / "in/im0005.dcm", 300);
  const std::vector<ScanEntry> scans = list_scans({dir / "in"});
  ASSERT_THAT(scans, SizeIs(2));
  EXPECT_PILLAR_ERROR(open_scan(scans[1], {}), ErrorCategory::input, HasSubstr("im0005.dcm"));
  EXPECT_EQ(open_scan(scans[0], {}).read().volume.voxels_dhw.size(0), 5);
}

TEST(ScanStudy, AllSeriesAreNamedByTheirNumbers) {
  TempDir dir;
  write_study_series(dir / "p1/a", "1", 3, 5, "A1");
  write_study_series(dir / "p1/b", "1", 4, 9, "A1");
  write_study_series(dir / "p2", "2", 1, 4, "A2");
  const std::vector<ScanEntry> all = with_all_series(list_scans({dir.path()}), {});
  std::vector<std::string> names;
  for (const ScanEntry& entry : all) names.push_back(open_scan(entry, {}).name);
  EXPECT_THAT(names, ElementsAre("A1.3", "A1.4", "A2"));
  EXPECT_EQ(open_scan(all[0], {}).read().volume.voxels_dhw.size(0), 5);
}

}  // namespace
}  // namespace pillar
