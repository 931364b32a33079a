// Where findings are, and what becomes of them.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"
#include "pillar/phantom/cohort.h"

#include "phantom/finding_masks.h"
#include "phantom/follow_up.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <map>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::HasSubstr;

PhantomOptions tiny_torso() {
  PhantomOptions options;
  options.size = 48;
  return options;
}

CohortOptions tiny_cohort() {
  CohortOptions options;
  options.studies = 6;
  options.seed = 3;
  options.phantom = tiny_torso();
  options.format = CohortFormat::nifti;
  options.quiet = true;
  return options;
}

TEST(FindingMasks, LieWhereTheTruthSaysAndAreNeverEmpty) {
  for (std::uint64_t seed = 1; seed < 4; ++seed) {
    const phantom::Scene scene = phantom::make_scene(seed, tiny_torso(), all_findings());
    for (const Finding& finding : scene.findings) {
      const Volume mask = phantom::finding_mask(scene, finding, tiny_torso());
      EXPECT_GT(mask.voxels_dhw.sum().item<std::int64_t>(), 0) << to_string(finding.kind);
      const std::array<double, 6> box = phantom::mask_box(mask);
      // A coronary's plaques begin at its place; all others have it inside.
      for (std::size_t axis = 0; axis < 3; ++axis) {
        EXPECT_GE(finding.center_xyz_mm[axis], box[axis] - 7.5) << to_string(finding.kind);
        EXPECT_LE(finding.center_xyz_mm[axis], box[axis + 3] + 7.5) << to_string(finding.kind);
      }
    }
  }
}

TEST(Cohort, MasksCanComeLaterAndAreListed) {
  const TempDir dir;
  CohortOptions options = tiny_cohort();
  write_cohort(dir / "cohort", options);
  const std::string truth = read_text_file(dir / "cohort/truth.csv");
  EXPECT_FALSE(fs::exists(dir / "cohort/localization.csv"));
  options.masks = true;
  EXPECT_EQ(write_cohort(dir / "cohort", options).skipped, 6);
  EXPECT_EQ(read_text_file(dir / "cohort/truth.csv"), truth);
  const CsvTable masks = read_csv(dir / "cohort/localization.csv"),
                 boxes = read_csv(dir / "cohort/boxes.csv");
  EXPECT_EQ(masks.rows.size(), read_csv(dir / "cohort/truth.csv").rows.size());
  ASSERT_EQ(boxes.rows.size(), masks.rows.size());
  for (const auto& row : masks.rows) {
    EXPECT_EQ(row[2], "mask");
    const Grid mask = read_volume_grid(dir / "cohort" / row[3]);
    EXPECT_EQ(mask, read_volume_grid(dir / "cohort/scans" / (row[0] + ".nii.gz")));
  }
  EXPECT_EQ(boxes.rows[0][2], "box");
}

TEST(FollowUp, FindingsStayWhereTheyAreAndChangeAsTheCourseSays) {
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    PhantomOptions options = tiny_torso();
    options.finding_probability = 0.6;
    const phantom::PatientCourse course = phantom::draw_course(seed, options);
    const phantom::Scene first = phantom::first_study(seed, options, course),
                         second = phantom::second_study(seed, options, course);
    EXPECT_GE(course.days, 14);
    std::map<FindingKind, Finding> before, now;
    for (const Finding& finding : first.findings) before.emplace(finding.kind, finding);
    for (const Finding& finding : second.findings) now.emplace(finding.kind, finding);
    for (const phantom::FindingCourse& one : course.findings) {
      const bool was = before.count(one.kind) > 0, is = now.count(one.kind) > 0;
      EXPECT_EQ(was, one.change != phantom::Change::appeared);
      EXPECT_EQ(is, one.change != phantom::Change::vanished);
      if (!was || !is) continue;
      const Finding &a = before.at(one.kind), &b = now.at(one.kind);
      EXPECT_EQ(a.side, b.side);
      for (std::size_t axis = 0; axis < 3; ++axis)
        EXPECT_NEAR(a.center_xyz_mm[axis], b.center_xyz_mm[axis], 25) << to_string(one.kind);
      if (one.change == phantom::Change::grown) {
        EXPECT_GE(b.size_mm, a.size_mm) << to_string(one.kind);
      }
      if (one.change == phantom::Change::shrunk) {
        EXPECT_LE(b.size_mm, a.size_mm) << to_string(one.kind);
      }
    }
    const std::string report = phantom::comparing_report(seed, first, second, course, Modality::ct, 7.5);
    EXPECT_THAT(report, HasSubstr("Comparison with the study"));
    // What a report of a second study states is what it shows.
    std::vector<FindingKind> shown;
    for (const Finding& finding : second.findings) shown.push_back(finding.kind);
    EXPECT_EQ(findings_in_report(report), shown) << report;
  }
}

TEST(FollowUp, ACohortHasPairsLabelsOfChangeAndOneSplitAPatient) {
  const TempDir dir;
  CohortOptions options = tiny_cohort();
  options.follow_up = 0.5;
  options.studies = 10;
  const CohortSummary summary = write_cohort(dir / "cohort", options);
  const CsvTable pairs = read_csv(dir / "cohort/pairs.csv"), findings = read_csv(dir / "cohort/findings.csv");
  EXPECT_EQ(summary.written, 10 + std::ssize(pairs.rows));
  ASSERT_GT(pairs.rows.size(), 1u);
  ASSERT_LT(pairs.rows.size(), 10u);
  std::map<std::string, std::string> split_of;
  for (const auto& row : findings.rows) split_of[row[0]] = row[2];
  const auto labels = nlohmann::json::parse(read_text_file(dir / "cohort/change_labels.json"));
  for (const auto& row : pairs.rows) {
    EXPECT_EQ(row[0], row[1] + "F");
    EXPECT_EQ(split_of.at(row[0]), split_of.at(row[1]));
    EXPECT_TRUE(labels.contains(row[0] + "|" + row[1]));
    EXPECT_TRUE(fs::exists(dir / "cohort/scans" / (row[0] + ".nii.gz")));
  }
  EXPECT_EQ(read_csv(dir / "cohort/survival.csv").rows.size(), 10u);
  // Run again it keeps all, and a cohort without second studies is another one.
  EXPECT_EQ(write_cohort(dir / "cohort", options).written, 0);
  options.follow_up = 0;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "cohort", options), ErrorCategory::usage, HasSubstr("follow_up"));
  options.follow_up = 2;
  EXPECT_PILLAR_ERROR(write_cohort(dir / "other", options), ErrorCategory::usage, HasSubstr("0 to 1"));
}

}  // namespace
}  // namespace pillar
