// mapping.csv and manifest.csv: they follow the samples on disk.
#include "pillar/core/csv.h"
#include "pillar/rave/encode_job.h"

#include "rave/encode_fixture.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::column_of;
using test::quiet_job;
using test::sample_names_in;
using test::TempDir;
using test::write_patient;
using ::testing::ElementsAre;

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

TEST(SampleLists, OneRowHoweverTheScanAndTheFolderAreNamed) {
  TempDir dir;
  write_patient(dir / "s1", {"A1", 1});
  write_patient(dir / "s2", {"B1", 2});
  run_encode(quiet_job(dir / "out", {dir / "s1/"}));
  {
    const WorkingFolder there(dir.path());
    run_encode(quiet_job("out", {"s1", "./s2"}));
  }
  {
    const WorkingFolder elsewhere(dir / "s1");
    run_encode(quiet_job("../out/", {"../s2/"}));
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
  run_encode(quiet_job(dir / "out", {dir / "s1", dir / "s2"}));
  fs::remove_all(dir / "out/A1.1.0");
  fs::remove(dir / "out/mapping.csv");
  fs::remove(dir / "out/manifest.csv");
  run_encode(quiet_job(dir / "out", {dir / "s3"}));
  EXPECT_THAT(sample_names_in(dir / "out"), ElementsAre("B1", "C1"));
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "accession"), ElementsAre("B1", "C1"));
}

TEST(SampleLists, DoubleRowsOfBeforeBecomeOne) {
  TempDir dir;
  write_patient(dir / "s1", {"A1", 1});
  run_encode(quiet_job(dir / "out", {dir / "s1"}));
  CsvTable mapping = read_csv(dir / "out/mapping.csv");
  mapping.rows.push_back(mapping.rows[0]);
  mapping.rows[1][0] = (dir / "s9/").string();
  write_csv(dir / "out/mapping.csv", mapping);
  write_patient(dir / "s2", {"B1", 2});
  run_encode(quiet_job(dir / "out", {dir / "s2"}));
  EXPECT_THAT(column_of(dir / "out/mapping.csv", "source_path"),
              ElementsAre((dir / "s1").string(), (dir / "s2").string()));
}

}  // namespace
}  // namespace pillar
