#include "pillar/eval/evidence_job.h"

#include "pillar/core/csv.h"
#include "pillar/image/volume_file.h"

#include "embed/shared/settings_file.h"
#include "eval/evidence/error_places.h"
#include "eval/evidence/evidence_files.h"
#include "evidence_cohort.h"
#include "support/expect_error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::EvidenceCohort;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(EvidenceJob, MapsOfEveryQuestionAddUpOnTheScansGrid) {
  const EvidenceCohort cohort;
  const EvidenceSummary summary = run_evidence(cohort.job());
  EXPECT_EQ(summary.studies, 2);
  EXPECT_EQ(summary.maps, 4);
  EXPECT_EQ(summary.failed, 0);
  const std::vector<EvidenceRow> rows = read_evidence_rows(cohort.path("evidence"));
  ASSERT_EQ(rows.size(), 4u);
  for (const EvidenceRow& row : rows) {
    const std::int64_t q = row.question == cohort.probe().questions[0] ? 0 : 1;
    const at::Tensor weight = cohort.probe().probe.weight_qd[q].to(at::kDouble);
    const double logit = at::dot(weight, cohort.embedding(row.accession).to(at::kDouble)).item<double>() +
                         cohort.probe().probe.bias_q[q].item<double>();
    EXPECT_NEAR(row.logit, logit, 1e-5 * std::abs(logit));
    Notes notes;
    const Volume map = read_volume_file(cohort.path("evidence") / row.map, {}, notes);
    EXPECT_EQ(size_dhw(map.voxels_dhw), (SizeDhw{24, 20, 16}));
    EXPECT_NEAR(map.voxels_dhw.sum(at::kDouble).item<double>() + row.beside_scan, row.logit - row.mean_logit,
                1e-4);
  }
  EXPECT_EQ(rows[0].map, "maps/is-there-a-stone/S0.nii.gz");
  const std::vector<PlaceRow> places = read_place_rows(cohort.path("evidence"));
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places[0].rank, 1);
  EXPECT_TRUE(places[0].scale == 1 || places[0].scale == 2);
  EXPECT_EQ(read_train_rows(cohort.path("evidence")).size(), 3u);
  EXPECT_TRUE(read_train_rows(cohort.path("evidence"))[0].centre_xyz_mm);
  EXPECT_EQ(read_evidence_record(cohort.path("evidence")).map, "evidence");
  EXPECT_TRUE(fs::exists(cohort.path("evidence/body/S1.nii.gz")));
}

TEST(EvidenceJob, OnlyQuestionsThatAStudyAnswersWithYes) {
  const EvidenceCohort cohort;
  EvidenceJob job = cohort.job();
  job.positive_only = true;
  run_evidence(job);
  for (const EvidenceRow& row : read_evidence_rows(cohort.path("evidence"))) EXPECT_GT(row.probability, 0.5);
}

TEST(EvidenceJob, AProbeOfOtherEmbeddingsIsRefused) {
  const EvidenceCohort cohort;
  NamedProbe other = cohort.probe();
  (*other.maker)["weights"] = "def";
  save_probe(cohort.path("other.safetensors"), other);
  EvidenceJob job = cohort.job();
  job.probe = cohort.path("other.safetensors");
  EXPECT_PILLAR_ERROR(run_evidence(job), ErrorCategory::input,
                      AllOf(HasSubstr("other.safetensors"), HasSubstr("weights"), HasSubstr("'def'")));
  other = cohort.probe();
  (*other.maker)["preprocess"] = "48";
  save_probe(cohort.path("other.safetensors"), other);
  EXPECT_PILLAR_ERROR(run_evidence(job), ErrorCategory::input, HasSubstr("preprocess"));
}

TEST(EvidenceJob, AnOldProbeTakesTheMeanOfTheTrainingSplit) {
  const EvidenceCohort cohort;
  save_probe(cohort.path("old.safetensors"), {cohort.probe().probe, cohort.probe().questions, {}, {}});
  EvidenceJob job = cohort.job();
  job.probe = cohort.path("old.safetensors");
  run_evidence(job);
  const double then = read_evidence_rows(cohort.path("evidence"))[0].mean_logit;
  run_evidence(cohort.job());
  EXPECT_NEAR(read_evidence_rows(cohort.path("evidence"))[0].mean_logit, then, 1e-5);
  job.train_split = "nothing";
  EXPECT_PILLAR_ERROR(run_evidence(job), ErrorCategory::input, HasSubstr("no split nothing"));
}

TEST(EvidenceJob, UnknownQuestionsAndStudiesWithoutScansAreRefused) {
  const EvidenceCohort cohort;
  EvidenceJob job = cohort.job();
  job.questions = {"Is there a tree?"};
  EXPECT_PILLAR_ERROR(run_evidence(job), ErrorCategory::input,
                      AllOf(HasSubstr("Is there a tree?"), HasSubstr("Is there a stone?")));
  job = cohort.job();
  job.scans.clear();
  EXPECT_PILLAR_ERROR(run_evidence(job), ErrorCategory::input, HasSubstr("none of the 2 studies"));
}

TEST(EvidenceJob, AStudyThatFailsIsNamedAndTheOthersAreMapped) {
  const EvidenceCohort cohort;
  EvidenceJob job = cohort.job();
  job.scans["S1"].path = cohort.path("scans/S9.nii.gz");
  fs::remove(cohort.path("cache/evidence/test/S0.safetensors"));
  EXPECT_EQ(run_evidence(job).failed, 2);
  const CsvTable failures = read_csv(cohort.path("evidence/failures.csv"));
  ASSERT_EQ(failures.rows.size(), 2u);
  EXPECT_THAT(failures.rows[0][2], HasSubstr("--evidence"));
  EXPECT_THAT(failures.rows[1][2], HasSubstr("S9.nii.gz"));
}

TEST(EvidenceJob, AScanThatLiesElsewhereFails) {
  const EvidenceCohort cohort;
  Notes notes;
  Volume moved = read_volume_file(cohort.path("scans/S0.nii.gz"), {}, notes);
  moved.geometry.origin_xyz_mm[2] += 30;
  write_volume_file(cohort.path("scans/S0.nii.gz"), moved);
  run_evidence(cohort.job());
  EXPECT_THAT(read_csv(cohort.path("evidence/failures.csv")).rows.at(0)[2], HasSubstr("lie elsewhere"));
}

TEST(ErrorPlaces, SayWhatSpeaksForTheWrongAnswer) {
  const EvidenceCohort cohort;
  Evaluation evaluation;
  for (const std::string& question : cohort.probe().questions)
    evaluation.questions.emplace_back().question = question;
  evaluation.questions[1].errors = {{"S0", 0.9, 0}, {"S1", 0.1, 1}};
  const EmbeddingSet set = load_embeddings(cohort.path("cache"), "test");
  write_error_places(cohort.path(""), cohort.path("cache"), "test", set, cohort.probe(), evaluation);
  const CsvTable places = read_csv(cohort.path("error_places.csv"));
  ASSERT_EQ(places.rows.size(), 2u);
  EXPECT_EQ(places.rows[1][0], "S1");
  EXPECT_EQ(places.rows[1][1], "Is there air?");
  // The first is where the map of what speaks for a yes is highest.
  run_evidence(cohort.job());
  for (const PlaceRow& place : read_place_rows(cohort.path("evidence"))) {
    if (place.accession != "S0" || place.question != "Is there air?" || place.rank != 1) continue;
    EXPECT_NEAR(place.point_xyz_mm[2], std::stod(places.rows[0][4]), 0.1);
  }
  // Where nothing is known of any, there is no file.
  fs::remove_all(cohort.path("cache/evidence"));
  write_error_places(cohort.path(""), cohort.path("cache"), "test", set, cohort.probe(), evaluation);
  EXPECT_FALSE(fs::exists(cohort.path("error_places.csv")));
}

TEST(EvidenceJob, QuestionsBecomeNamesOfFolders) {
  EXPECT_EQ(question_slug("Is there a (large) stone?"), "is-there-a-large-stone");
  EXPECT_EQ(question_slug("?"), "question");
}

}  // namespace
}  // namespace pillar
