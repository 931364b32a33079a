#include "pillar/rave/encode_job.h"

#include "pillar/core/csv.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/verify.h"

#include "rave/encode_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"
#include "support/volumes.h"

#include <fstream>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::quiet_job;
using test::stored_voxels;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void make_series(const fs::path& folder, const std::string& accession, std::uint32_t seed) {
  DicomWriteOptions options;
  options.accession = accession;
  options.uid_seed = fmt::format("{} {}", accession, seed);
  write_dicom_series(folder, test::smooth_volume(12, 48, 64, seed), options);
}

TEST(EncodeJob, DicomAndNiftiComeBackVoxelForVoxel) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  const Volume volume = test::smooth_volume(10, 40, 44, 2);
  write_volume_file(dir / "b.nii.gz", volume);
  const EncodeSummary summary = run_encode(quiet_job(dir / "out", {dir / "a", dir / "b.nii.gz"}));
  EXPECT_EQ(summary.brief(), "2 written");
  EXPECT_TRUE(
      test::same_voxels(stored_voxels(dir / "out/A1.1.0"), test::smooth_volume(12, 48, 64, 1).voxels_dhw));
  EXPECT_TRUE(test::same_voxels(stored_voxels(dir / "out/b.0.0"), volume.voxels_dhw));
}

TEST(EncodeJob, GeometrySurvives) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  run_encode(quiet_job(dir / "out", {dir / "a"}));
  const Geometry back = Sample::open(dir / "out/A1.1.0").read().geometry;
  const Geometry truth = test::smooth_volume(12, 48, 64, 1).geometry;
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(back.spacing_xyz_mm[i], truth.spacing_xyz_mm[i], 1e-9);
    EXPECT_NEAR(back.origin_xyz_mm[i], truth.origin_xyz_mm[i], 1e-9);
  }
}

TEST(EncodeJob, MappingListsEveryInputInOrder) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  make_series(dir / "b", "B1", 2);
  run_encode(quiet_job(dir / "out", {dir / "b", dir / "a"}));
  const CsvTable mapping = read_csv(dir / "out/mapping.csv");
  EXPECT_THAT(mapping.header, ElementsAre("source_path", "accession", "series_number", "output_path",
                                          "dicom_size_mb", "processed_size_mb"));
  ASSERT_EQ(mapping.rows.size(), 2u);
  EXPECT_EQ(mapping.rows[0][1], "B1");
  EXPECT_EQ(mapping.rows[1][1], "A1");
  EXPECT_EQ(mapping.rows[1][3], (dir / "out/A1.1.0").string());
  EXPECT_GT(std::stod(mapping.rows[0][4]), 0.05);
}

TEST(EncodeJob, SecondRunSkipsAndAThirdFolderIsAdded) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  make_series(dir / "b", "B1", 2);
  run_encode(quiet_job(dir / "out", {dir / "a"}));
  const auto before = fs::last_write_time(dir / "out/A1.1.0/metadata.json");
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "a"})).brief(), "1 there already");
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "b"})).brief(), "1 written");
  EXPECT_EQ(fs::last_write_time(dir / "out/A1.1.0/metadata.json"), before);
  EXPECT_EQ(read_csv(dir / "out/mapping.csv").rows.size(), 2u);
  EncodeJob again = quiet_job(dir / "out", {dir / "a"});
  again.overwrite = true;
  EXPECT_EQ(run_encode(again).brief(), "1 written");
}

TEST(EncodeJob, OneBadInputDoesNotStopTheOthers) {
  TempDir dir;
  make_series(dir / "good", "G1", 1);
  fs::create_directories(dir / "empty");
  fs::create_directories(dir / "text");
  std::ofstream(dir / "text/readme.txt") << "not DICOM";
  std::ofstream(dir / "short.nii") << "x";
  const EncodeSummary summary = run_encode(quiet_job(
      dir / "out", {dir / "empty", dir / "missing", dir / "good", dir / "text", dir / "short.nii"}));
  EXPECT_EQ(summary.brief(), "1 written, 4 failed");
  const CsvTable failures = read_csv(dir / "out/failures.csv");
  EXPECT_THAT(failures.header, ElementsAre("path", "stage", "reason"));
  ASSERT_EQ(failures.rows.size(), 4u);
  for (const auto& row : failures.rows) EXPECT_THAT(row[2], HasSubstr(row[0]));
  EXPECT_EQ(failures.rows[0][1], "scan");
  EXPECT_EQ(failures.rows[3][1], "read");
}

TEST(EncodeJob, TwoInputsOfOneNameTheFirstHasIt) {
  TempDir dir;
  make_series(dir / "a", "SAME", 1);
  make_series(dir / "b", "SAME", 2);
  const EncodeSummary summary = run_encode(quiet_job(dir / "out", {dir / "a", dir / "b"}));
  EXPECT_EQ(summary.brief(), "1 written, 1 failed");
  EXPECT_EQ(summary.outcomes[1].stage, "name");
  EXPECT_THAT(summary.outcomes[1].reason, HasSubstr((dir / "a").string()));
  EXPECT_TRUE(
      test::same_voxels(stored_voxels(dir / "out/SAME.1.0"), test::smooth_volume(12, 48, 64, 1).voxels_dhw));
}

TEST(EncodeJob, DryRunWritesNothing) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  job.dry_run = true;
  EXPECT_EQ(run_encode(job).brief(), "1 to write");
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST(EncodeJob, ModalityOfTheConfigurationMustAgree) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  job.prepare.config.modality = Modality::mr;
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("is CT, the configuration is for MR"));
}

TEST(EncodeJob, NoPathUnlessAskedFor) {
  TempDir dir;
  make_series(dir / "secret", "A1", 1);
  run_encode(quiet_job(dir / "out", {dir / "secret"}));
  EXPECT_THAT(read_text_file(dir / "out/A1.1.0/metadata.json"), ::testing::Not(HasSubstr("secret")));
  EncodeJob job = quiet_job(dir / "out2", {dir / "secret"});
  job.prepare.keep_source_path = true;
  run_encode(job);
  EXPECT_THAT(read_text_file(dir / "out2/A1.1.0/metadata.json"), HasSubstr("secret"));
}

TEST(EncodeJob, Rave10InLz4IsRefused) {
  EncodeJob job = quiet_job("unused", {"unused"});
  job.prepare.config.write.mode = SampleMode::rave10;
  job.prepare.config.write.archive = Archive::tar_lz4;
  EXPECT_PILLAR_ERROR(run_encode(job), ErrorCategory::usage, HasSubstr("tar.lz4"));
}

TEST(EncodeJob, MasksAreStoredExactlyWhateverTheMode) {
  TempDir dir;
  Volume labels = test::smooth_volume(6, 20, 24);
  labels.voxels_dhw = test::random_voxels(6, 20, 24, at::kByte, 0, 4.99);
  write_volume_file(dir / "organ.nii.gz", labels);
  EncodeJob job = quiet_job(dir / "out", {dir / "organ.nii.gz"});
  job.prepare.config.modality = Modality::mr;
  job.prepare.config.write.mode = SampleMode::rave10;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  const Sample sample = Sample::open(dir / "out/organ.0.0.tar.lz4");
  EXPECT_EQ(sample.info().payload, PayloadKind::npy);
  const at::Tensor back = sample.read().voxels_dhw;
  ASSERT_EQ(back.scalar_type(), at::kUInt16);
  const auto* in = labels.voxels_dhw.const_data_ptr<std::uint8_t>();
  const auto* out = back.const_data_ptr<std::uint16_t>();
  EXPECT_TRUE(std::equal(in, in + labels.voxels_dhw.numel(), out));
  EXPECT_EQ(run_encode(job).brief(), "1 there already");
}

TEST(EncodeJob, FullDiskFailsTheSampleAndLeavesNothingHalf) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  fs::create_directories(dir / "out");
  const int answer = test::on_tiny_disk(dir / "out", 16, [&] {
    EncodeJob job = quiet_job(dir / "out", {dir / "a"});
    job.jobs = 1;
    const EncodeSummary summary = run_encode(job);
    const bool said = summary.outcomes[0].reason.find("No space left on device") != std::string::npos;
    for (const auto& entry : fs::directory_iterator(dir / "out")) {
      if (entry.path().extension() != ".csv") return 1;
    }
    return said ? 0 : 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

TEST(EncodeInputs, CsvPathsAreFoundBesideTheCsv) {
  TempDir dir;
  make_series(dir / "scans/a", "A", 1);
  std::ofstream(dir / "list.csv") << "id,series_path\n1,scans/a\n2,/gone\n";
  EXPECT_THAT(inputs_from_csv(dir / "list.csv", "series_path"), ElementsAre(dir / "scans/a", "/gone"));
  EXPECT_PILLAR_ERROR(inputs_from_csv(dir / "list.csv", "path"), ErrorCategory::input,
                      HasSubstr("series_path"));
}

}  // namespace
}  // namespace pillar
