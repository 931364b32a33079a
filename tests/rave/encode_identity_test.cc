// Whose a sample is: never another scan's voxels under a name, never an old grid in silence, and lists that
// follow the disk.
#include "pillar/core/csv.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"

#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <set>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Volume patient_volume(std::uint32_t patient) {
  return test::smooth_volume(8, 32, 32, patient);
}

struct SeriesOfPatient {
  std::string accession = "A1";
  std::uint32_t patient = 1;  // whose voxels and UIDs they are
  std::int64_t number = 1;
  std::int64_t slices = 8;
};

void write_patient(const fs::path& folder, const SeriesOfPatient& of) {
  DicomWriteOptions options;
  options.accession = of.accession;
  options.patient_id = fmt::format("P{}", of.patient);
  options.series_number = of.number;
  options.uid_seed = fmt::format("{} {}", of.patient, of.number);
  Volume volume = patient_volume(of.patient);
  volume.voxels_dhw = volume.voxels_dhw.narrow(0, 0, of.slices).contiguous();
  write_dicom_series(folder, volume, options);
}

EncodeJob patient_job(const fs::path& out, std::vector<fs::path> inputs) {
  EncodeJob job;
  job.inputs = std::move(inputs);
  job.output_folder = out;
  job.jobs = 2;
  job.quiet = true;
  return job;
}

std::vector<std::string> column_of(const fs::path& file, const std::string& name) {
  const CsvTable table = read_csv(file);
  std::vector<std::string> values;
  for (const auto& row : table.rows) values.push_back(row[table.column(name, file)]);
  return values;
}

std::vector<std::string> sample_names_in(const fs::path& out) {
  return column_of(out / "manifest.csv", "sample_name");
}

void expect_voxels(const fs::path& sample, std::uint32_t patient) {
  EXPECT_TRUE(test::same_voxels(Sample::open(sample).read().voxels_dhw, patient_volume(patient).voxels_dhw));
}

// Works from another folder for as long as it lives.
class WorkingFolder {
 public:
  explicit WorkingFolder(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~WorkingFolder() { fs::current_path(before_); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  fs::path before_;
};

TEST(SampleIdentity, ASecondPatientOfTheSameNameIsRefusedByBothNames) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  EXPECT_EQ(run_encode(patient_job(dir / "out", {dir / "a"})).brief(), "1 written");
  for (bool overwrite : {false, true}) {
    EncodeJob job = patient_job(dir / "out", {dir / "b"});
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
  EXPECT_EQ(run_encode(patient_job(dir / "out", {found / "a"})).brief(), "1 written");
  EXPECT_EQ(run_encode(patient_job(dir / "out", {found / "b"})).brief(), "1 failed");
  EncodeJob apart = patient_job(dir / "apart", {found / "a", found / "b"});
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
  run_encode(patient_job(dir / "out", {dir / "s1/ct.nii.gz"}));
  const EncodeSummary second = run_encode(patient_job(dir / "out", {dir / "s2/ct.nii.gz"}));
  EXPECT_EQ(second.brief(), "1 failed");
  EXPECT_THAT(second.outcomes[0].reason, HasSubstr((dir / "s1/ct.nii.gz").string()));
  expect_voxels(dir / "out/ct.0.0", 1);
  // A copy elsewhere is the same scan, in this batch and in the next.
  fs::create_directories(dir / "copy");
  fs::copy_file(dir / "s1/ct.nii.gz", dir / "copy/ct.nii.gz");
  EXPECT_EQ(run_encode(patient_job(dir / "out", {dir / "copy/ct.nii.gz"})).brief(), "1 there already");
  EXPECT_EQ(run_encode(patient_job(dir / "new", {dir / "s1/ct.nii.gz", dir / "copy/ct.nii.gz"})).brief(),
            "1 written, 1 there already");
  // One file that is given twice is one scan.
  EXPECT_EQ(run_encode(patient_job(dir / "new", {dir / "s1/ct.nii.gz", dir / "s2/../s1/ct.nii.gz"})).brief(),
            "1 there already");
  EXPECT_EQ(sample_names_in(dir / "new").size(), 1u);
}

TEST(SampleIdentity, AFileThatHasChangedIsRefusedUntilOverwritten) {
  TempDir dir;
  write_volume_file(dir / "ct.nii.gz", patient_volume(1));
  run_encode(patient_job(dir / "out", {dir / "ct.nii.gz"}));
  write_volume_file(dir / "ct.nii.gz", patient_volume(2));
  EncodeJob job = patient_job(dir / "out", {dir / "ct.nii.gz"});
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
  run_encode(patient_job(dir / "out", {dir / "part"}));
  EXPECT_THAT(run_encode(patient_job(dir / "out", {dir / "whole"})).outcomes[0].reason,
              AllOf(HasSubstr("5 images"), HasSubstr("8 images"), HasSubstr("--overwrite")));
}

TEST(SampleIdentity, OtherSettingsAreRefusedUntilOverwritten) {
  TempDir dir;
  write_patient(dir / "a", {});
  run_encode(patient_job(dir / "out", {dir / "a"}));
  EncodeJob job = patient_job(dir / "out", {dir / "a"});
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
  run_encode(patient_job(dir / "out", {dir / "a"}));
  EncodeJob job = patient_job(dir / "out", {dir / "a"});
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
  run_encode(patient_job(dir / "out", {dir / "a", dir / "ct.nii.gz"}));
  for (const char* name : {"A1.1.0", "ct.0.0"}) {
    const Sample sample = Sample::open(dir / "out" / name);
    SampleMetadata metadata = *sample.info().metadata;
    metadata.record.reset();
    metadata.original_json.clear();
    write_sample(dir / "out" / name, sample.read(), metadata, {});
  }
  EXPECT_EQ(run_encode(patient_job(dir / "out", {dir / "a"})).brief(), "1 there already");
  EXPECT_THAT(run_encode(patient_job(dir / "out", {dir / "b"})).outcomes[0].reason,
              HasSubstr("another scan"));
  EncodeJob resampled = patient_job(dir / "out", {dir / "a"});
  resampled.prepare.config.preprocess.target_spacing_xyz_mm = {{2, 2, 2}};
  EXPECT_THAT(run_encode(resampled).outcomes[0].reason, HasSubstr("target_spacing"));
  EncodeJob file = patient_job(dir / "out", {dir / "ct.nii.gz"});
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
  EncodeJob archived = patient_job(dir / "other", {dir / "b"});
  archived.prepare.config.write.archive = Archive::tar;
  run_encode(archived);
  EncodeJob job = patient_job(dir / "out", {dir / "a"});
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
  EncodeJob job = patient_job(dir / "out", {dir / "a"});
  job.overwrite = true;
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("which is no sample"));
  EXPECT_TRUE(fs::exists(dir / "out/A1.1.0/notes.txt"));
}

TEST(SampleIdentity, WhatCannotBeReadIsNoSample) {
  TempDir dir;
  write_patient(dir / "a", {});
  run_encode(patient_job(dir / "out", {dir / "a"}));
  write_file_atomic(dir / "out/A1.1.0/metadata.json", "{");
  EncodeJob job = patient_job(dir / "out", {dir / "a"});
  EXPECT_THAT(run_encode(job).outcomes[0].reason, HasSubstr("cannot be read"));
  job.overwrite = true;
  EXPECT_EQ(run_encode(job).brief(), "1 written");
}

TEST(SampleLists, OneRowHoweverTheScanAndTheFolderAreNamed) {
  TempDir dir;
  write_patient(dir / "s1", {"A1", 1});
  write_patient(dir / "s2", {"B1", 2});
  run_encode(patient_job(dir / "out", {dir / "s1/"}));
  {
    const WorkingFolder there(dir.path());
    run_encode(patient_job("out", {"s1", "./s2"}));
  }
  {
    const WorkingFolder elsewhere(dir / "s1");
    run_encode(patient_job("../out/", {"../s2/"}));
  }
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "source_path"),
              ElementsAre((dir / "s1").string(), (dir / "s2").string()));
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "output_path"),
              ElementsAre((dir / "out/A1.1.0").string(), (dir / "out/B1.1.0").string()));
  EXPECT_THAT(column_of(dir / "out/manifest.csv", "image_cache_path"), ElementsAre("A1.1.0", "B1.1.0"));
}

TEST(SampleLists, FollowTheSamplesOnDisk) {
  TempDir dir;
  write_patient(dir / "s1", {"A1", 1});
  write_patient(dir / "s2", {"B1", 2});
  write_patient(dir / "s3", {"C1", 3});
  run_encode(patient_job(dir / "out", {dir / "s1", dir / "s2"}));
  fs::remove_all(dir / "out/A1.1.0");
  fs::remove(dir / "out/mapping.csv");
  fs::remove(dir / "out/manifest.csv");
  run_encode(patient_job(dir / "out", {dir / "s3"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("B1", "C1"));
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "accession"), ElementsAre("B1", "C1"));
}

TEST(SampleLists, DoubleRowsOfBeforeBecomeOne) {
  TempDir dir;
  write_patient(dir / "s1", {"A1", 1});
  run_encode(patient_job(dir / "out", {dir / "s1"}));
  CsvTable mapping = read_csv(dir / "out/mapping.csv");
  mapping.rows.push_back(mapping.rows[0]);
  mapping.rows[1][0] = (dir / "s9/").string();
  write_csv(dir / "out/mapping.csv", mapping);
  write_patient(dir / "s2", {"B1", 2});
  run_encode(patient_job(dir / "out", {dir / "s2"}));
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "source_path"),
              ElementsAre((dir / "s1").string(), (dir / "s2").string()));
}

TEST(SampleNames, StayWhenASecondSeriesArrives) {
  TempDir dir;
  write_patient(dir / "first", {"A1", 1, 1});
  write_patient(dir / "second", {"A1", 1, 2});
  run_encode(patient_job(dir / "out", {dir / "first"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("A1"));
  run_encode(patient_job(dir / "out", {dir / "second"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("A1", "A1.2.0"));
  run_encode(patient_job(dir / "both", {dir / "first", dir / "second"}));
  EXPECT_THAT(sample_names_in(dir / "both"), ElementsAre("A1", "A1.2.0"));
  EXPECT_EQ(Sample::open(dir / "out/A1.2.0").info().metadata->record->sample_name, "A1.2.0");
}

TEST(SampleNames, AreNeverEmpty) {
  TempDir dir;
  write_patient(dir / "a", {"", 1});
  write_patient(dir / "b", {"", 2});
  EXPECT_EQ(run_encode(patient_job(dir / "out", {dir / "a", dir / "b"})).brief(), "2 written");
  const std::vector<std::string> names = sample_names_in(dir / "out");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 2u);
  for (const std::string& name : names) EXPECT_THAT(name, HasSubstr("2.25."));
}

TEST(SampleNames, OfATemplate) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1, 2});
  write_patient(dir / "b", {"ANON", 2, 2});
  EncodeJob job = patient_job(dir / "out", {dir / "a", dir / "b"});
  job.name_template = "{patient}_{accession}_{series}";
  EXPECT_EQ(run_encode(job).brief(), "2 written");
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("P1_ANON_2", "P2_ANON_2"));
  expect_voxels(dir / "out/P2_ANON_2", 2);
  EXPECT_EQ(run_encode(job).brief(), "2 there already");
}

TEST(SampleNames, ATemplateThatGivesOneNameTwiceIsRefusedBeforeAnythingIsDone) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  EncodeJob job = patient_job(dir / "out", {dir / "a", dir / "b"});
  job.name_template = "{accession}";
  EXPECT_PILLAR_ERROR(run_encode(job), ErrorCategory::input,
                      AllOf(HasSubstr((dir / "a").string()), HasSubstr((dir / "b").string())));
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST(SampleNames, ATemplateIsChecked) {
  EncodeJob job = patient_job("unused", {"unused"});
  for (const auto& [text, fault] :
       std::vector<std::pair<std::string, std::string>>{{"{pateint}", "did you mean 'patient'?"},
                                                        {"{patient", "without its '}'"},
                                                        {"all", "no field in it"},
                                                        {"{name}", "--name-column"}}) {
    job.name_template = text;
    EXPECT_PILLAR_ERROR(run_encode(job), ErrorCategory::usage, HasSubstr(fault));
  }
}

TEST(SampleNames, AScanWithoutAFieldFailsAlone) {
  TempDir dir;
  write_patient(dir / "a", {"A1", 1});
  write_volume_file(dir / "ct.nii.gz", patient_volume(2));
  EncodeJob job = patient_job(dir / "out", {dir / "a", dir / "ct.nii.gz"});
  job.name_template = "{patient}-{file}";
  const EncodeSummary summary = run_encode(job);
  EXPECT_EQ(summary.brief(), "1 written, 1 failed");
  EXPECT_THAT(summary.outcomes[1].reason, AllOf(HasSubstr("ct.nii.gz"), HasSubstr("no patient")));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("P1-a"));
}

TEST(SampleNames, OfAColumn) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  write_file_atomic(dir / "list.csv", "series_path,id\na,case 1\nb/,../2\n");
  EncodeJob job = patient_job(dir / "out", inputs_from_csv(dir / "list.csv", "series_path"));
  job.input_names = names_from_csv(dir / "list.csv", "id");
  EXPECT_EQ(run_encode(job).brief(), "2 written");
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("case 1", "_._2"));
  job.name_template = "{name}_{series}";
  job.output_folder = dir / "out2";
  run_encode(job);
  EXPECT_THAT(sample_names_in(dir / "out2"), ElementsAre("case 1_1", "_._2_1"));
}

TEST(SampleNames, AColumnIsChecked) {
  TempDir dir;
  write_patient(dir / "both/a", {"ANON", 1});
  write_patient(dir / "both/b", {"ANON", 2});
  write_file_atomic(dir / "empty.csv", "series_path,id\na,\n");
  EXPECT_PILLAR_ERROR(names_from_csv(dir / "empty.csv", "id"), ErrorCategory::input,
                      HasSubstr("row 2: column id is empty"));
  EncodeJob twice = patient_job(dir / "out", {dir / "both/a", dir / "both/b"});
  twice.input_names = {"one", "one"};
  EXPECT_PILLAR_ERROR(run_encode(twice), ErrorCategory::input, HasSubstr("names were given twice"));
  twice.inputs[1] = dir / "both/a/";
  twice.input_names = {"one", "two"};
  EXPECT_PILLAR_ERROR(run_encode(twice), ErrorCategory::input, HasSubstr("two names, one and two"));
  EncodeJob archive = patient_job(dir / "out", {dir / "both/a"});
  archive.input_names = {"one.tar"};
  EXPECT_THAT(run_encode(archive).outcomes[0].reason, HasSubstr("as an archive's does"));
}

}  // namespace
}  // namespace pillar
