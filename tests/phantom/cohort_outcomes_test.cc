#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/phantom/cohort.h"

#include "phantom/cohort_index.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CohortOutcomes, FindingsAreThoseOfTheTruth) {
  TempDir dir;
  CohortOptions options;
  options.studies = 20;
  options.phantom.size = 16;
  options.format = CohortFormat::enhanced;
  options.quiet = true;
  write_cohort(dir / "c", options);
  std::set<std::pair<std::string, std::string>> truth;
  for (const auto& row : read_csv(dir / "c/truth.csv").rows) truth.emplace(row[0], row[1]);
  const CsvTable findings = read_csv(dir / "c/findings.csv");
  ASSERT_EQ(findings.rows.size(), 20u);
  ASSERT_EQ(findings.header.size(), 14u);
  EXPECT_EQ(findings.header[5], "pleural_effusion");
  const std::map<std::string, std::string> lists = {
      {"train", "train.jsonl"}, {"dev", "valid.jsonl"}, {"test", "test.jsonl"}};
  for (const auto& row : findings.rows) {
    EXPECT_EQ(row[1], row[0]);
    EXPECT_THAT(read_text_file(dir / "c" / lists.at(row[2])), HasSubstr(row[0]));
    EXPECT_EQ(row[3], "../samples/" + row[0] + ".1.0");
    for (std::size_t c = 4; c < row.size(); ++c) {
      std::string finding = findings.header[c];
      std::replace(finding.begin(), finding.end(), '_', ' ');
      EXPECT_EQ(row[c], truth.contains({row[0], finding}) ? "1" : "0") << row[0] << " " << finding;
    }
  }
}

// Studies that are never drawn: nodules of 20 mm and none, by turns.
TEST(CohortOutcomes, EventsComeSoonerWithALargeNodule) {
  TempDir dir;
  CohortOptions options;
  options.studies = 2000;
  options.format = CohortFormat::nifti;
  std::vector<phantom::StudyRecord> studies(2000);
  for (std::size_t i = 0; i < studies.size(); ++i) {
    studies[i].accession = studies[i].patient = "PH" + std::to_string(i);
    studies[i].patient_index = i;
    studies[i].seed = i;
    if (i % 2 == 0) studies[i].findings.push_back({FindingKind::lung_nodule, {}, 20, "left", ""});
  }
  phantom::write_outcomes(dir.path(), options, studies);
  const CsvTable survival = read_csv(dir / "survival.csv");
  EXPECT_THAT(survival.header,
              ElementsAre("accession", "patient", "split", "image_paths", "y", "time_at_event"));
  ASSERT_EQ(survival.rows.size(), 2000u);
  EXPECT_EQ(survival.rows[0][3], "../samples/PH0.0.0");
  int events[2] = {0, 0}, censored_early = 0;
  for (std::size_t i = 0; i < survival.rows.size(); ++i) {
    const int y = std::stoi(survival.rows[i][4]), year = std::stoi(survival.rows[i][5]);
    EXPECT_TRUE(year >= 0 && year < 6 && (y == 0 || y == 1));
    events[i % 2] += y;
    censored_early += y == 0 && year < 5 ? 1 : 0;
  }
  // By the rule: 0.42 a year, at the least for one year, at the most for six.
  EXPECT_GT(events[0], 700);
  EXPECT_LT(events[1], 150);
  EXPECT_GT(events[1], 30);
  EXPECT_GT(censored_early, 300);
}

}  // namespace
}  // namespace pillar
