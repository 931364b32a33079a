#include "pillar/labels/nlst.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::string nlst_series(const std::string& uid, const std::string& thickness = "2.0",
                        const std::string& type = "ORIGINAL", int image_class = 1) {
  return "\"" + uid + "\": {\"paths\": [\"x.png\"], \"series_data\": {\"reconthickness\": [" + thickness +
         "], \"imagetype\": [\"" + type + "\"], \"imageclass\": [" + std::to_string(image_class) + "]}}";
}
// One patient with one exam, scanned 10 days after randomization.
std::string nlst_patient(const std::string& pid, const std::string& split, const std::string& series,
                         const std::string& cancer_days, const std::string& followed_days,
                         const std::string& more = "") {
  return "{\"pid\": \"" + pid + "\", \"split\": \"" + split + "\", \"accessions\": [{\"exam\": 7" + pid +
         ", \"screen_timepoint\": 0, \"image_series\": {" + series +
         "}}], \"pt_metadata\": {\"scr_days0\": [10], " + "\"candx_days\": [" + cancer_days +
         "], \"fup_days\": [" + followed_days + "]" + more + "}}";
}

// A cache with series 1.1 to 1.9, one of them with a mask.
class NlstTest : public ::testing::Test {
 protected:
  NlstTest() {
    std::string mapping = "source_path,sample\n";
    for (int i = 1; i <= 9; ++i) {
      const std::string uid = "1." + std::to_string(i);
      fs::create_directories(dir_ / (uid + ".1.0"));
      mapping += "/dicom/" + uid + (i % 2 == 0 ? "/," : ",") + uid + "\n";
    }
    write_file_atomic(dir_ / "mapping.csv", mapping);
    write_file_atomic(dir_ / "1.1.1.0.tar.lz4", "x");
    options_.samples = options_.masks = dir_.path();
  }
  NlstTable read(const std::string& text) {
    write_file_atomic(dir_ / "nlst data.json", text);
    return read_nlst_table(dir_ / "nlst data.json", options_);
  }
  TempDir dir_;
  NlstOptions options_;
};

TEST_F(NlstTest, YearsCountFromTheScan) {
  const NlstTable read_table = read(
      "[" +
      nlst_patient("1", "train", nlst_series("1.1"), "740", "900", ", \"locrup\": [1], \"loclup\": [NaN]") +
      "," + nlst_patient("2", "train", nlst_series("1.2"), "-1", "1105") + "," +
      nlst_patient("3", "dev", nlst_series("1.3"), "2200", "2900") + "," +
      nlst_patient("4", "test", nlst_series("1.4") + "," + nlst_series("1.5"), "NaN", "9999") + "]");
  const OutcomeTable& table = read_table.table;
  ASSERT_EQ(table.studies.size(), 5u);
  EXPECT_TRUE(at::equal(table.values, at::tensor({1, 2, 0, 3, 0, 5, 0, 5, 0, 5}, at::kLong).view({5, 2})));
  EXPECT_EQ(table.studies[0].accession, "1.1");
  EXPECT_EQ(table.studies[0].patient, "1");
  EXPECT_EQ(table.studies[0].mask, dir_ / "1.1.1.0.tar.lz4");
  EXPECT_TRUE(table.studies[1].mask.empty());
  EXPECT_EQ(table.studies[1].image, dir_ / "1.2.1.0");
  EXPECT_THAT(table.studies[0].laterality, ElementsAre(1, 0, 0));
  EXPECT_EQ(table.studies[4].patient, "4");
  EXPECT_TRUE(read_table.notes.empty());
}

TEST_F(NlstTest, WhatIsLeftOutIsCounted) {
  write_file_atomic(dir_ / "google.json", "[\"1.9\"]");
  options_.google_test = dir_ / "google.json";
  options_.ignored_exams = {"75"};
  const NlstTable read_table =
      read("[" +
           nlst_patient("1", "train",
                        nlst_series("1.1") + "," + nlst_series("1.2", "3.2") + "," +
                            nlst_series("1.3", "-1") + "," + nlst_series("1.4", "2", "LOCALIZER") + "," +
                            nlst_series("1.5", "2", "X", 0) + "," + nlst_series("2.1"),
                        "20", "900") +
           "," + nlst_patient("2", "train", nlst_series("1.6"), "-1", "1105") + "," +
           nlst_patient("3", "train", nlst_series("1.7"), "-1", "-1") + "," +
           nlst_patient("4", "test", nlst_series("1.8") + "," + nlst_series("1.9"), "-1", "900") + "," +
           nlst_patient("5", "dev", nlst_series("1.8"), "-1", "900") + "," +
           nlst_patient("6", "dev", nlst_series("1.7"), "5", "900") + "]");
  EXPECT_EQ(read_table.table.studies.size(), 3u);
  EXPECT_EQ(read_table.table.studies[2].row, 10);
  const std::vector<std::string> reasons = {
      "2 series left out: a localizer",         "2 series left out: slices not of 0 to 2.5 mm",
      "1 series left out: not in mapping.csv",  "1 series left out: not in the Google split",
      "1 series left out: its exam is ignored", "2 series left out: no follow-up, or a negative time"};
  EXPECT_EQ(read_table.notes.size(), reasons.size());
  for (const std::string& reason : reasons)
    EXPECT_THAT(read_table.notes.lines(), ::testing::Contains(HasSubstr(reason)));
}

TEST_F(NlstTest, FaultsComeTogether) {
  fs::remove_all(dir_ / "1.2.1.0");
  const std::string text =
      "[" + nlst_patient("1", "train", nlst_series("1.1"), "740", "900") + "," +
      nlst_patient("1", "test", nlst_series("1.1") + "," + nlst_series("1.2"), "740", "900") + "," +
      nlst_patient("3", "training", nlst_series("1.3"), "740", "900") + ",{\"split\": 5}," +
      "{\"pid\": 9, \"split\": \"dev\"}," +
      "{\"pid\": 10, \"split\": \"dev\", \"pt_metadata\": {}, \"accessions\": [3, {\"image_series\": "
      "{\"1.4\": 1}}, "
      "{\"screen_timepoint\": 0, \"image_series\": {\"1.4\": 1}}]}]";
  EXPECT_PILLAR_ERROR(
      read(text), ErrorCategory::input,
      AllOf(HasSubstr("nlst data.json: 11 faults"),
            HasSubstr("series 1.1: the accession 1.1 stands in series 1.1 already"),
            HasSubstr("the patient 1 is in two splits"), HasSubstr("patient 2 (pid 1): series 1.2: "),
            HasSubstr("patient 3 (pid 3): split 'training'"), HasSubstr("patient 4: no pid"),
            HasSubstr("patient 5 (pid 9): no object pt_metadata"), HasSubstr("an exam is no object"),
            HasSubstr("an exam has no screen_timepoint"), HasSubstr("series 1.4 has no object series_data"),
            HasSubstr("column cancer: all 1 known values")));
}

TEST_F(NlstTest, WhatIsNoListOfPatients) {
  for (const char* text :
       {"", "{}", "5", "[1]", "[[]]", "[{", "[{\"pid\": }]", "[{\"pid\": \"\xff\"}]", "[]x", "NaN"})
    EXPECT_PILLAR_ERROR(read(text), ErrorCategory::input, HasSubstr("nlst data.json: "));
  EXPECT_PILLAR_ERROR(read("[]"), ErrorCategory::input, HasSubstr("no study is in the split train"));
  EXPECT_PILLAR_ERROR(read("[" + std::string(200000, '[')), ErrorCategory::input, HasSubstr("patient 1"));
  options_.google_test = dir_ / "google.json";
  write_file_atomic(options_.google_test, "{\"test\": 1}");
  EXPECT_PILLAR_ERROR(read("[]"), ErrorCategory::input, HasSubstr("google.json: no JSON list"));
  options_.samples = dir_ / "elsewhere";
  EXPECT_PILLAR_ERROR(read("[]"), ErrorCategory::io, HasSubstr("mapping.csv"));
  options_.horizon = 0;
  EXPECT_PILLAR_ERROR(read("[]"), ErrorCategory::usage, HasSubstr("horizon"));
}

}  // namespace
}  // namespace pillar
