#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/eval/localize_job.h"
#include "pillar/image/volume_file.h"
#include "pillar/metrics/run_metrics.h"

#include "eval/evidence/evidence_files.h"
#include "eval/localize/distance_map.h"
#include "eval/localize/map_scores.h"
#include "eval/localize/truth_table.h"
#include "evidence_cohort.h"
#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::EvidenceCohort;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(DistanceMap, IsThatOfAnExhaustiveSearch) {
  const at::Tensor mask =
      at::randint(0, 12, {6, 7, 9}, at::detail::createCPUGenerator(4), at::kInt).eq(0).to(at::kByte);
  const std::array<double, 3> spacing = {0.7, 1.3, 4};
  const at::Tensor found = distance_to_mask(mask, spacing);
  const auto inside = mask.accessor<std::uint8_t, 3>();
  for (std::int64_t d = 0; d < 6; ++d) {
    for (std::int64_t h = 0; h < 7; ++h) {
      for (std::int64_t w = 0; w < 9; ++w) {
        double least = 1e9;
        for (std::int64_t k = 0; k < 6; ++k) {
          for (std::int64_t j = 0; j < 7; ++j) {
            for (std::int64_t i = 0; i < 9; ++i) {
              if (inside[k][j][i] == 0) continue;
              least = std::min(least, std::hypot(static_cast<double>(i - w) * spacing[0],
                                                 static_cast<double>(j - h) * spacing[1],
                                                 static_cast<double>(k - d) * spacing[2]));
            }
          }
        }
        EXPECT_NEAR(found[d][h][w].item<float>(), least, 1e-4);
      }
    }
  }
}

TEST(ConnectedParts, TouchAtCorners) {
  at::Tensor mask = at::zeros({3, 4, 5}, at::kByte);
  mask[0][0][0] = mask[1][1][1] = mask[2][3][4] = 1;
  std::int64_t parts = 0;
  const at::Tensor labels = connected_parts(mask, parts);
  EXPECT_EQ(parts, 2);
  EXPECT_EQ(labels[1][1][1].item<std::int32_t>(), 1);
  EXPECT_EQ(labels[2][3][4].item<std::int32_t>(), 2);
}

TEST(MapScores, OfMapsThatAreEasyToScore) {
  at::Tensor mask = at::zeros({2, 2, 4}, at::kByte), map = at::zeros({2, 2, 4});
  mask[0][0][0] = mask[0][0][1] = 1;
  map[0][0][0] = 3;
  map[0][0][1] = 1;
  map[1][1][3] = 2;
  map[1][0][0] = -50;
  const LocalizationScores scores = map_scores(map, mask);
  EXPECT_NEAR(scores.energy_inside, 4.0 / 6, 1e-12);
  EXPECT_NEAR(scores.average_precision, 0.5 * 1 + 0.5 * 2 / 3, 1e-12);
  EXPECT_NEAR(scores.best_dice, 0.8, 1e-12);             // the three voxels above 0
  EXPECT_NEAR(scores.fixed_dice, 2.0 / (2 + 2), 1e-12);  // 3 and 2, of which one is right
  const LocalizationScores flat = map_scores(at::zeros({2, 2, 4}), mask);
  EXPECT_NEAR(flat.average_precision, 2.0 / 16, 1e-12);
  EXPECT_EQ(flat.energy_inside, 0);
}

// The maps of the cohort, and a truth for them.
class Localize : public ::testing::Test {
 protected:
  void SetUp() override { run_evidence(cohort.job()); }

  LocalizeJob job(const std::string& rows) const {
    write_file_atomic(cohort.path("truth.csv"), "accession,question,kind,path,coordinates_mm\n" + rows);
    LocalizeJob job;
    job.evidence = cohort.path("evidence");
    job.truth = cohort.path("truth.csv");
    job.out = cohort.path("localization");
    job.options.bootstrap.replicates = 50;
    job.options.tolerance_mm = 5;
    job.quiet = true;
    return job;
  }
  PatientXyz strongest(const std::string& accession) const {
    for (const PlaceRow& row : read_place_rows(cohort.path("evidence"))) {
      if (row.accession == accession && row.question == "Is there a stone?") return row.point_xyz_mm;
    }
    return {};
  }
  std::string point_row(const std::string& accession, const PatientXyz& p) const {
    return fmt::format("{},Is there a stone?,point,,{} {} {}\n", accession, p[0], p[1], p[2]);
  }
  void write_mask(const std::string& name, const Geometry& geometry, const SizeDhw& size, bool any) const {
    Volume mask;
    mask.geometry = geometry;
    mask.voxels_dhw = at::zeros(size, at::kByte);
    if (any) mask.voxels_dhw.narrow(0, 2, 4).narrow(1, 2, 4).narrow(2, 2, 4).fill_(3);
    write_volume_file(cohort.path(name), mask);
  }

  EvidenceCohort cohort;
  Geometry scan = test::axis_aligned({3, 3, 3}, {-20, 10, 100});
};

TEST_F(Localize, AMarkedPlaceThatTheMapNamesIsAHit) {
  PatientXyz far = strongest("S1");
  far[2] += far[2] > 130 ? -30 : 30;
  const LocalizationEvaluation found = run_localize(
      job(point_row("S0", strongest("S0")) + point_row("S1", far) + point_row("S3", strongest("S0"))));
  ASSERT_EQ(found.questions.size(), 1u);
  const QuestionLocalization& question = found.questions[0];
  EXPECT_EQ(question.studies, 2);
  EXPECT_EQ(question.evidence.hit.value, 0.5);
  EXPECT_EQ(question.prior.hit.value, 0.5);  // where S3 has it, S0 has it too
  EXPECT_GT(question.chance.hit.value, 0);
  EXPECT_LT(question.chance.hit.value, 0.2);
  EXPECT_TRUE(question.lesions_found.empty());
  EXPECT_TRUE(std::isnan(question.auroc));
  EXPECT_EQ(read_csv(cohort.path("localization/studies.csv")).rows.size(), 6u);
  const RunMetrics back = read_run_metrics(cohort.path("localization/metrics.json"));
  const auto& read = std::get<LocalizationEvaluation>(back.result);
  EXPECT_EQ(back.head.kind, "localize");
  EXPECT_EQ(read.tolerance_mm, 5);
  EXPECT_EQ(read.questions[0].hit_above_chance.low, question.hit_above_chance.low);
}

TEST_F(Localize, SeveralLesionsAreCountedOneByOne) {
  PatientXyz far = strongest("S0");
  far[2] += far[2] > 130 ? -30 : 30;
  const LocalizationEvaluation found =
      run_localize(job(point_row("S0", strongest("S0")) + point_row("S0", far)));
  EXPECT_EQ(found.questions[0].lesions, 2);
  ASSERT_EQ(found.questions[0].lesions_found.size(), kFalsePlacesPerScan.size());
  EXPECT_GE(found.questions[0].lesions_found[0].value, 0.5);
}

TEST_F(Localize, MasksOnOtherGridsAreLookedUpAndLabelsChosen) {
  write_mask("same.nii.gz", scan, {24, 20, 16}, true);
  Geometry finer = scan;
  finer.spacing_xyz_mm = {1.5, 1.5, 1.5};
  write_mask("finer.nii.gz", finer, {48, 40, 32}, true);
  write_file_atomic(cohort.path("names.json"), "{\"Is there air?\": 3, \"Is there a stone?\": 7}");
  const std::string row = "S0,Is there air?,labels,same.nii.gz,\n";
  LocalizeJob with_names = job(row);
  EXPECT_PILLAR_ERROR(run_localize(with_names), ErrorCategory::input, HasSubstr("no file of label names"));
  with_names.label_names = cohort.path("names.json");
  EXPECT_GT(run_localize(with_names).questions[0].evidence.energy_inside.value, -1);
  EXPECT_EQ(run_localize(job("S0,Is there air?,mask,finer.nii.gz,\n")).questions[0].studies, 1);
  with_names = job("S0,Is there a stone?,labels,same.nii.gz,\n");
  with_names.label_names = cohort.path("names.json");
  EXPECT_PILLAR_ERROR(run_localize(with_names), ErrorCategory::input, HasSubstr("no voxel of the finding"));
}

TEST_F(Localize, FindingVoxelsSayWhatTheyDid) {
  Geometry finer = scan;
  finer.spacing_xyz_mm = {1.5, 1.5, 1.5};
  write_mask("finer.nii.gz", finer, {48, 40, 32}, true);
  write_file_atomic(cohort.path("t.csv"),
                    "accession,question,kind,path,coordinates_mm\nS0,q,mask,finer.nii.gz,\n");
  const TruthTable truth(cohort.path("t.csv"), {});
  Notes notes;
  const at::Tensor voxels = finding_voxels(truth, truth.of("S0", "q")[0], {scan, {24, 20, 16}}, notes);
  EXPECT_EQ(voxels.sum().item<std::int64_t>(), 8);
  EXPECT_THAT(notes[0], HasSubstr("another grid"));
}

TEST_F(Localize, BadTruthIsRefused) {
  write_mask("empty.nii.gz", scan, {24, 20, 16}, false);
  Geometry away = scan;
  away.origin_xyz_mm[2] += 4000;
  write_mask("away.nii.gz", away, {24, 20, 16}, true);
  const auto expect_fault = [&](const std::string& rows, const char* what) {
    EXPECT_PILLAR_ERROR(run_localize(job(rows)), ErrorCategory::input,
                        AllOf(HasSubstr("truth.csv"), HasSubstr(what)));
  };
  expect_fault("S0,Is there air?,mask,empty.nii.gz,\n", "no voxel of the finding");
  expect_fault("S0,Is there air?,mask,away.nii.gz,\n", "another frame of reference");
  expect_fault("S0,Is there air?,box,,900 900 900 910 910 910\n", "beside the scan");
  expect_fault("S0,Is there air?,box,,1 2 3\n", "row 2: coordinates_mm has 3 numbers");
  expect_fault("S0,Is there air?,box,,5 0 0 1 1 1\n", "above");
  expect_fault("S0,Is there air?,point,,1 2 nan\n", "no finite number");
  expect_fault("S0,Is there air?,cloud,,1 2 3\n", "'cloud'");
  expect_fault("S0,Is there air?,mask,,\n", "no path");
  expect_fault("S9,Is there air?,point,,1 2 3\n", "none of the 4 maps");
  EXPECT_PILLAR_ERROR(run_localize(job("S0,Is there air?,mask,missing.nii.gz,\n")), ErrorCategory::io,
                      HasSubstr("missing.nii.gz"));
}

}  // namespace
}  // namespace pillar
