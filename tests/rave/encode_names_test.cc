// What samples are called.
#include "pillar/core/csv.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"
#include "pillar/rave/sample.h"

#include "rave/encode_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>
#include <set>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::patient_volume;
using test::quiet_job;
using test::sample_names_in;
using test::TempDir;
using test::write_patient;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SampleNames, StayWhenASecondSeriesArrives) {
  TempDir dir;
  write_patient(dir / "first", {"A1", 1, 1});
  write_patient(dir / "second", {"A1", 1, 2});
  run_encode(quiet_job(dir / "out", {dir / "first"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("A1"));
  run_encode(quiet_job(dir / "out", {dir / "second"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("A1", "A1.2.0"));
  run_encode(quiet_job(dir / "both", {dir / "first", dir / "second"}));
  EXPECT_THAT(sample_names_in(dir / "both"), ElementsAre("A1", "A1.2.0"));
  EXPECT_EQ(Sample::open(dir / "out/A1.2.0").info().metadata->record->sample_name, "A1.2.0");
}

TEST(SampleNames, AreNeverEmpty) {
  TempDir dir;
  write_patient(dir / "a", {"", 1});
  write_patient(dir / "b", {"", 2});
  EXPECT_EQ(run_encode(quiet_job(dir / "out", {dir / "a", dir / "b"})).brief(), "2 written");
  const std::vector<std::string> names = sample_names_in(dir / "out");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 2u);
  for (const std::string& name : names) EXPECT_THAT(name, HasSubstr("2.25."));
}

TEST(SampleNames, OfATemplate) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1, 2});
  write_patient(dir / "b", {"ANON", 2, 2});
  EncodeJob job = quiet_job(dir / "out", {dir / "a", dir / "b"});
  job.name_template = "{patient}_{accession}_{series}";
  EXPECT_EQ(run_encode(job).brief(), "2 written");
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("P1_ANON_2", "P2_ANON_2"));
  expect_voxels(dir / "out/P2_ANON_2", 2);
  EXPECT_EQ(run_encode(job).brief(), "2 there already");
}

TEST(SampleNames, FilesOfOneNameByTheirFolders) {
  TempDir dir;
  for (const char* subject : {"s0000", "s0001"}) {
    fs::create_directories(dir / subject);
    write_volume_file(dir / subject / "ct.nii.gz", patient_volume(static_cast<std::uint32_t>(subject[4])));
  }
  EncodeJob job = quiet_job(dir / "out", {dir.path()});
  job.name_template = "{folder}_{file}";
  EXPECT_EQ(run_encode(job).brief(), "2 written");
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("s0000_ct", "s0001_ct"));
}

TEST(SampleNames, ATemplateThatGivesOneNameTwiceIsRefusedBeforeAnythingIsDone) {
  TempDir dir;
  write_patient(dir / "a", {"ANON", 1});
  write_patient(dir / "b", {"ANON", 2});
  EncodeJob job = quiet_job(dir / "out", {dir / "a", dir / "b"});
  job.name_template = "{accession}";
  EXPECT_PILLAR_ERROR(run_encode(job), ErrorCategory::input,
                      AllOf(HasSubstr((dir / "a").string()), HasSubstr((dir / "b").string())));
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST(SampleNames, ATemplateIsChecked) {
  EncodeJob job = quiet_job("unused", {"unused"});
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
  EncodeJob job = quiet_job(dir / "out", {dir / "a", dir / "ct.nii.gz"});
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
  EncodeJob job = quiet_job(dir / "out", inputs_from_csv(dir / "list.csv", "series_path"));
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
  EncodeJob twice = quiet_job(dir / "out", {dir / "both/a", dir / "both/b"});
  twice.input_names = {"one", "one"};
  EXPECT_PILLAR_ERROR(run_encode(twice), ErrorCategory::input, HasSubstr("names were given twice"));
  twice.inputs[1] = dir / "both/a/";
  twice.input_names = {"one", "two"};
  EXPECT_PILLAR_ERROR(run_encode(twice), ErrorCategory::input, HasSubstr("two names, one and two"));
  EncodeJob archive = quiet_job(dir / "out", {dir / "both/a"});
  archive.input_names = {"one.tar"};
  EXPECT_THAT(run_encode(archive).outcomes[0].reason, HasSubstr("as an archive's does"));
}

}  // namespace
}  // namespace pillar
