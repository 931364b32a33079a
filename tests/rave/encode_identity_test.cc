// Whose a sample is: never another scan's voxels under a name, never an old grid in silence.
#include "pillar/core/csv.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"

#include "rave/encode_fixture.h"
#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::column_of;
using test::patient_volume;
using test::quiet_job;
using test::sample_names_in;
using test::stored_voxels;
using test::TempDir;
using test::write_patient;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

void expect_voxels(const fs::path& sample, std::uint32_t patient) {
  EXPECT_TRUE(test::same_voxels(stored_voxels(sample), patient_volume(patient).voxels_dhw));
}

TEST(SampleIdentity, ASecondPatientOfTheSameNameIsRefusedByBothNames) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "a"})).brief(), "1 written");
  for (bool overwrite : {false, true}) {
    EncodeJob job = quiet_job(dir / "out", {dir / "b"});
    job.overwrite = overwrite;
    const EncodeSummary second = run_encode(job);
    EXPECT_EQ(second.brief(), "1 failed");
    EXPECT_EQ(second.outcomes[0].stage, "name");
    EXPECT_THAT(second.outcomes[0].reason,
                AllOf(HasSubstr((dir / "a").string()), HasSubstr((dir / "b").string())));
    expect_voxels(dir / "out/ANON.1.0", 1);
    EXPECT_THAT(column_of(dir / "out/mapping.csv", "source_path"), ElementsAre((dir / "a").string()));
  }
}

TEST(SampleIdentity, TheCaseOfTwoPatients) {
  PILLAR_NEEDS_CASE("two_patients_one_name");
  TempDir dir;
  const fs::path found = test::scan_case("two_patients_one_name");
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {found / "a"})).brief(), "1 written");
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {found / "b"})).brief(), "1 failed");
  EncodeJob apart = quiet_job(dir / "apart", {found / "a", found / "b"});
  apart.name_template = "{series_uid}";
  EXPECT_EQ(run_encode(apart).brief(), "2 written");
  EXPECT_EQ(sample_names_in(dir / "apart").size(), 2u);
}

TEST(SampleIdentity, TwoFilesOfOneNameInTwoFolders) {
  TempDir dir;
  for (std::uint32_t patient : {1u, 2u}) {
    fs::create_directories(dir / fmt::format("s{}", patient));
    write_volume_file(dir / fmt::format("s{}/ct.nii.gz", patient), patient_volume(patient));
  }
  run_encode(quiet_job(dir / "out", {dir / "s1/ct.nii.gz"}));
  const EncodeSummary second = run_encode(quiet_job(dir / "out", {dir / "s2/ct.nii.gz"}));
  EXPECT_EQ(second.brief(), "1 failed");
  EXPECT_THAT(second.outcomes[0].reason, HasSubstr((dir / "s1/ct.nii.gz").string()));
  expect_voxels(dir / "out/ct.0.0", 1);
  // A copy elsewhere is the same scan, in this batch and in the next.
  fs::create_directories(dir / "copy");
  fs::copy_file(dir / "s1/ct.nii.gz", dir / "copy/ct.nii.gz");
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "copy/ct.nii.gz"})).brief(), "1 there already");
  EXPECT_EQ(run_encode(quiet_job(dir / "new", {dir / "s1/ct.nii.gz", dir / "copy/ct.nii.gz"})).brief(),
            "1 written, 1 there already");
  // One file that is given twice is one scan.
  EXPECT_EQ(run_encode(quiet_job(dir / "new", {dir / "s1/ct.nii.gz", dir / "s2/../s1/ct.nii.gz"})).brief(),
            "1 there already");
  EXPECT_EQ(sample_names_in(dir / "new").size(), 1u);
}

TEST(SampleIdentity, AFileThatHasChangedIsRefusedUntilOverwritten) {
  TempDir dir;
  write_volume_file(dir / "ct.nii.gz", patient_volume(1));
  run_encode(quiet_job(dir / "out", {dir / "ct.nii.gz"}));
  write_volume_file(dir / "ct.nii.gz", patient_volume(2));
  EncodeJob job = quiet_job(dir / "out", {dir / "ct.nii.gz"});
  EXPECT_THAT(run_encode(job).outcomes[0].reason, AllOf(HasSubstr("has changed"), HasSubstr("--overwrite")));
  expect_voxels(dir / "out/ct.0.0", 1);
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  expect_voxels(dir / "out/ct.0.0", 2);
}

TEST(SampleIdentity, ASeriesThatMoreImagesCameToHasChanged) {
  TempDir dir;
  write_patient(dir / "part", {"A1", 1, 1, 5});
  write_patient(dir / "whole", {"A1", 1, 1, 8});
  run_encode(quiet_job(dir / "out", {dir / "part"}));
  EXPECT_THAT(run_encode(quiet_job(dir / "out", {dir / "whole"})).outcomes[0].reason,
              AllOf(HasSubstr("5 images"), HasSubstr("8 images"), HasSubstr("--overwrite")));
}

TEST(SampleIdentity, OtherSettingsAreRefusedUntilOverwritten) {
  TempDir dir;
  write_patient(dir / "a", {});
  run_encode(quiet_job(dir / "out", {dir / "a"}));
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  job.prepare.config.preprocess.crop_pad_hw = {{40, 40}};
  job.dry_run = true;
  EXPECT_EQ(run_encode(job).brief(), "1 failed") << "a dry run promises what the run does";
  job.dry_run = false;
  EXPECT_THAT(
      run_encode(job).outcomes[0].reason,
      AllOf(HasSubstr("processing.crop_pad.size: 'unset' then, '40, 40' now"), HasSubstr("--overwrite")));
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  EXPECT_EQ(Sample::open(dir / "out/A1.1.0").info().size_dhw, (SizeDhw{8, 40, 40}));
  job.overwrite = false;
  EXPECT_EQ(run_encode(job).brief(), "1 there already");
}

TEST(SampleIdentity, AnotherArchiveIsAnotherSettingAndLeavesOneSample) {
  TempDir dir;
  write_patient(dir / "a", {});
  run_encode(quiet_job(dir / "out", {dir / "a"}));
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  job.prepare.config.write.archive = Archive::tar;
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("archive: 'unset' then, 'tar' now"));
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
  EXPECT_FALSE(fs::exists(dir / "out/A1.1.0"));
  EXPECT_THAT(column_of(dir / "out/manifest.csv", "image_cache_path"), ElementsAre("A1.1.0.tar"));
}

// Samples of before have no record: their series' UID is what tells whose they are.
TEST(SampleIdentity, SamplesWithoutARecord) {
  TempDir dir;
  write_patient(dir / "a", {});
  write_patient(dir / "b", {"A1", 2});
  write_volume_file(dir / "ct.nii.gz", patient_volume(3));
  run_encode(quiet_job(dir / "out", {dir / "a", dir / "ct.nii.gz"}));
  for (const char* name : {"A1.1.0", "ct.0.0"}) {
    const Sample sample = Sample::open(dir / "out" / name);
    SampleMetadata metadata = *sample.info().metadata;
    metadata.record.reset();
    metadata.original_json.clear();
    write_sample(dir / "out" / name, sample.read(), metadata, {});
  }
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "a"})).brief(), "1 there already");
  EXPECT_THAT(run_encode(quiet_job(dir / "out", {dir / "b"})).outcomes[0].reason, HasSubstr("another scan"));
  EncodeJob resampled = quiet_job(dir / "out", {dir / "a"});
  resampled.prepare.config.preprocess.target_spacing_xyz_mm = {{2, 2, 2}};
  EXPECT_THAT(run_encode(resampled).outcomes[0].reason, HasSubstr("target_spacing"));
  EncodeJob file = quiet_job(dir / "out", {dir / "ct.nii.gz"});
  EXPECT_THAT(run_encode(file).outcomes[0].reason, AllOf(HasSubstr("no record"), HasSubstr("--overwrite")));
  file.overwrite = true;
  EXPECT_EQ(run_encode(file).brief(), "1 written");
  file.overwrite = false;
  EXPECT_EQ(run_encode(file).brief(), "1 there already");
}

// An archive and a folder of one name, which earlier versions made of two scans.
TEST(SampleIdentity, OverwritingSparesAnotherScansArchive) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  EncodeJob archived = quiet_job(dir / "other", {dir / "b"});
  archived.prepare.config.write.archive = Archive::tar;
  run_encode(archived);
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  run_encode(job);
  fs::rename(dir / "other/ANON.1.0.tar", dir / "out/ANON.1.0.tar");
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 failed");
  expect_voxels(dir / "out/ANON.1.0.tar", 2);
  EXPECT_THAT(sample_names_in(dir / "out"), UnorderedElementsAre("ANON", "ANON.1.0"));
}

TEST(SampleIdentity, AFolderThatIsNoSampleIsNeverReplaced) {
  TempDir dir;
  write_patient(dir / "a", {});
  fs::create_directories(dir / "out/A1.1.0");
  write_file_atomic(dir / "out/A1.1.0/notes.txt", "mine");
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  job.overwrite = true;
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("which is no sample"));
  EXPECT_TRUE(fs::exists(dir / "out/A1.1.0/notes.txt"));
}

TEST(SampleIdentity, WhatCannotBeReadIsNoSample) {
  TempDir dir;
  write_patient(dir / "a", {});
  run_encode(quiet_job(dir / "out", {dir / "a"}));
  write_file_atomic(dir / "out/A1.1.0/metadata.json", "{");
  EncodeJob job = quiet_job(dir / "out", {dir / "a"});
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("cannot be read"));
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
}

}  // namespace
}  // namespace pillar
