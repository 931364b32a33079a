#include "pillar/phantom/cohort.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::TempDir;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CohortOptions tiny(std::int64_t studies, CohortFormat format = CohortFormat::enhanced) {
  CohortOptions options;
  options.studies = studies;
  options.seed = 11;
  options.phantom.size = 16;
  options.format = format;
  options.jobs = 1;
  options.quiet = true;
  return options;
}

// Every file below a folder by its relative name.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read_text_file(entry.path());
  }
  return files;
}

std::vector<Json> json_lines(const fs::path& file) {
  std::vector<Json> lines;
  std::istringstream text(read_text_file(file));
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(Cohort, WritesWhatItsHeaderPromises) {
  TempDir dir;
  const CohortSummary summary = write_cohort(dir / "c", tiny(4, CohortFormat::dicom));
  EXPECT_EQ(summary.written, 4);
  EXPECT_EQ(summary.skipped, 0);
  const CsvTable series = read_csv(dir / "c/series.csv");
  EXPECT_EQ(series.header, std::vector<std::string>{"series_path"});
  ASSERT_THAT(series.rows, SizeIs(4));
  for (const auto& row : series.rows) {
    std::int64_t slices = 0;
    for (const auto& entry : fs::directory_iterator(dir / "c" / row[0])) {
      EXPECT_THAT(entry.path().filename().string(), EndsWith(".dcm"));
      ++slices;
    }
    EXPECT_EQ(slices, 16);
  }
  EXPECT_EQ(series.rows.front()[0], "scans/PH000001");
}

TEST(Cohort, ReportsLabelsAndTruthAgree) {
  TempDir dir;
  CohortOptions options = tiny(30);
  write_cohort(dir / "c", options);
  std::map<std::string, std::set<std::string>> truth;
  const CsvTable table = read_csv(dir / "c/truth.csv");
  for (const auto& row : table.rows)
    truth[row[table.column("accession", "truth.csv")]].insert(row[table.column("finding", "truth.csv")]);

  const Json labels = Json::parse(read_text_file(dir / "c/labels.json"));
  EXPECT_EQ(labels.size(), 30u);
  std::set<std::string> seen;
  std::map<std::string, std::size_t> lines_of;
  for (const char* split : {"train", "valid", "test"}) {
    for (const Json& line : json_lines(dir / "c" / (std::string(split) + ".jsonl"))) {
      const std::string accession = line.at("sample_name");
      ++lines_of[split];
      EXPECT_TRUE(seen.insert(accession).second) << "in two splits";
      EXPECT_EQ(line.at("nii_path"), "scans/" + accession);
      std::set<std::string> reported, labelled;
      for (FindingKind kind : findings_in_report(line.at("report_metadata").get<std::string>()))
        reported.insert(to_string(kind));
      for (FindingKind kind : all_findings()) {
        std::string answer;
        for (const Json& pair : labels.at(accession).at("qa_results").at(rate_category(kind))) {
          EXPECT_EQ(pair.size(), 1u);
          if (pair.contains(rate_question(kind))) answer = pair.at(rate_question(kind));
        }
        EXPECT_TRUE(answer == "Yes" || answer == "No") << rate_question(kind);
        if (answer == "Yes") labelled.insert(to_string(kind));
      }
      EXPECT_EQ(reported, truth[accession]) << accession;
      EXPECT_EQ(labelled, truth[accession]) << accession;
    }
  }
  EXPECT_EQ(lines_of["train"], 21u);
  EXPECT_EQ(lines_of["valid"], 4u);
  EXPECT_EQ(lines_of["test"], 5u);
}

TEST(Cohort, SameBytesWithAnyNumberOfJobs) {
  TempDir dir;
  for (CohortFormat format : {CohortFormat::dicom, CohortFormat::enhanced, CohortFormat::nifti}) {
    CohortOptions options = tiny(5, format);
    options.overwrite = true;
    write_cohort(dir / "one", options);
    options.jobs = 2;
    write_cohort(dir / "two", options);
    EXPECT_EQ(contents(dir / "one"), contents(dir / "two"));
  }
}

TEST(Cohort, StudiesDifferAndSeedsDiffer) {
  TempDir dir;
  CohortOptions options = tiny(6);
  write_cohort(dir / "a", options);
  options.seed = 12;
  write_cohort(dir / "b", options);
  std::set<std::string> scans;
  for (const char* name : {"a", "b"}) {
    for (const auto& [file, bytes] : contents(dir / name)) {
      if (file.starts_with("scans/")) scans.insert(bytes);
    }
  }
  EXPECT_THAT(scans, SizeIs(12));
}

TEST(Cohort, NiftiIsOneFileAStudy) {
  TempDir dir;
  CohortOptions options = tiny(2, CohortFormat::nifti);
  options.phantom.modality = Modality::mr;
  write_cohort(dir / "c", options);
  EXPECT_TRUE(fs::is_regular_file(dir / "c/scans/PH000002.nii.gz"));
  EXPECT_EQ(read_csv(dir / "c/series.csv").rows[1][0], "scans/PH000002.nii.gz");
}

std::int64_t scans_in(const fs::path& folder) {
  std::error_code none_yet;
  std::int64_t count = 0;
  for (fs::directory_iterator it(folder / "scans", none_yet), end; !none_yet && it != end;
       it.increment(none_yet)) {
    count += it->path().filename().string().starts_with("PH") ? 1 : 0;
  }
  return count;
}

// Runs write_cohort in a process of its own and kills it once three studies are there. False if it was too
// fast to kill.
bool kill_midway(const fs::path& folder, const CohortOptions& options) {
  const pid_t child = fork();
  if (child == 0) {
    write_cohort(folder, options);
    _exit(0);
  }
  int status = 0;
  while (scans_in(folder) < 3 && ::waitpid(child, &status, WNOHANG) == 0) ::usleep(300);
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return !fs::exists(folder / "truth.csv");
}

TEST(Cohort, GoesOnAfterKillAndEndsWithTheSameBytes) {
  TempDir dir;
  CohortOptions options = tiny(16);
  options.phantom.size = 32;
  write_cohort(dir / "whole", options);
  bool killed = false;
  for (int attempt = 0; attempt < 20 && !killed; ++attempt) {
    fs::remove_all(dir / "killed");
    killed = kill_midway(dir / "killed", options);
  }
  ASSERT_TRUE(killed);
  const std::int64_t before = scans_in(dir / "killed");
  ASSERT_GE(before, 3);
  EXPECT_FALSE(fs::exists(dir / "killed/labels.json"));

  const CohortSummary summary = write_cohort(dir / "killed", options);
  EXPECT_EQ(summary.skipped, before);
  EXPECT_EQ(summary.written, options.studies - before);
  EXPECT_EQ(contents(dir / "killed"), contents(dir / "whole"));
}

TEST(Cohort, KeepsStudiesThatAreThere) {
  TempDir dir;
  write_cohort(dir / "c", tiny(4));
  fs::remove_all(dir / "c/scans/PH000002");
  const auto kept = fs::last_write_time(dir / "c/scans/PH000001");
  const CohortSummary summary = write_cohort(dir / "c", tiny(4));
  EXPECT_EQ(summary.written, 1);
  EXPECT_EQ(summary.skipped, 3);
  EXPECT_EQ(fs::last_write_time(dir / "c/scans/PH000001"), kept);
}

TEST(Cohort, OtherOptionsAreRefusedUntilOverwriteIsSaid) {
  TempDir dir;
  write_cohort(dir / "c", tiny(3));
  write_file_atomic(dir / "c/notes.txt", std::string_view("mine"));
  CohortOptions other = tiny(2);
  other.seed = 99;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "c", other), ErrorCategory::usage,
                      AllOf(HasSubstr("studies 3, not 2"), HasSubstr("/c")));
  other.studies = 3;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "c", other), ErrorCategory::usage, HasSubstr("seed 11, not 99"));
  other.studies = 2;
  other.overwrite = true;
  EXPECT_EQ(write_cohort(dir / "c", other).written, 2);
  EXPECT_EQ(scans_in(dir / "c"), 2);
  EXPECT_EQ(read_text_file(dir / "c/notes.txt"), "mine");  // what is not the cohort's stays
}

TEST(Cohort, ForeignFoldersAreLeftAlone) {
  TempDir dir;
  fs::create_directories(dir / "home");
  write_file_atomic(dir / "home/thesis.txt", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_cohort(dir / "home", tiny(1)), ErrorCategory::usage,
                      AllOf(HasSubstr("home"), HasSubstr("not empty")));
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_PILLAR_ERROR(write_cohort(dir / "file", tiny(1)), ErrorCategory::usage, HasSubstr("not a folder"));
}

TEST(Cohort, DamagedOptionsFileIsNamed) {
  TempDir dir;
  for (const char* text : {"", "{", "[]", "{\"generator\": 5}", "\xff\xfe"}) {
    fs::create_directories(dir / "c");
    write_file_atomic(dir / "c/cohort.json", std::string_view(text));
    EXPECT_PILLAR_ERROR(write_cohort(dir / "c", tiny(1)), ErrorCategory::input, HasSubstr("cohort.json"));
  }
}

TEST(Cohort, RefusesBadOptions) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "c", tiny(0)), ErrorCategory::usage, HasSubstr("0 studies"));
  CohortOptions options = tiny(1);
  options.train_fraction = -0.1;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "c", options), ErrorCategory::usage, HasSubstr("train fraction"));
  options = tiny(1);
  options.jobs = -2;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "c", options), ErrorCategory::usage, HasSubstr("jobs"));
  EXPECT_PILLAR_ERROR(parse_cohort_format("tiff"), ErrorCategory::usage, HasSubstr("tiff"));
  EXPECT_FALSE(fs::exists(dir / "c"));
}

}  // namespace
}  // namespace pillar
