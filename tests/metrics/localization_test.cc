#include "pillar/metrics/localization.h"

#include "pillar/core/csv.h"
#include "pillar/metrics/run_metrics.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

namespace pillar {
namespace {

using ::testing::HasSubstr;

LocalizedStudy localized(const std::string& accession, double hit, double by_prior, double by_chance) {
  LocalizedStudy study;
  study.accession = accession;
  study.evidence = {hit, 0.5, 0.25, 0.75, 0.125};
  study.prior.hit = by_prior;
  study.chance.hit = by_chance;
  study.lesions = 1;
  return study;
}

LocalizedQuestion twenty_studies(double hit, double auroc) {
  LocalizedQuestion question{"Is there a stone?", auroc, {}};
  for (int i = 0; i < 20; ++i)
    question.studies.push_back(localized("S" + std::to_string(i), i % 4 == 0 ? 1 - hit : hit, i % 2, 0.1));
  return question;
}

LocalizationOptions two_hundred_replicates() {
  LocalizationOptions options;
  options.bootstrap.replicates = 200;
  return options;
}

TEST(Localization, MeansAndDifferencesHaveIntervals) {
  const LocalizationEvaluation found =
      evaluate_localization({twenty_studies(1, 0.9)}, two_hundred_replicates());
  const QuestionLocalization& question = found.questions[0];
  EXPECT_EQ(found.unit, "study");
  EXPECT_EQ(found.num_units, 20);
  EXPECT_EQ(question.studies, 20);
  EXPECT_NEAR(question.evidence.hit.value, 0.75, 1e-12);
  EXPECT_LT(question.evidence.hit.low, 0.75);
  EXPECT_GT(question.evidence.hit.high, 0.75);
  EXPECT_NEAR(question.evidence.best_dice.low, 0.75, 1e-12);  // the same everywhere
  EXPECT_NEAR(question.hit_above_prior.value, 0.25, 1e-12);
  EXPECT_NEAR(question.hit_above_chance.value, 0.65, 1e-12);
  EXPECT_GT(question.hit_above_chance.low, 0);
  EXPECT_FALSE(question.shortcut);
}

TEST(Localization, KnownAndNotPlacedIsAShortcut) {
  EXPECT_TRUE(evaluate_localization({twenty_studies(0, 0.9)}, two_hundred_replicates())
                  .questions[0]
                  .evidence.hit.value < 0.3);
  LocalizedQuestion never = twenty_studies(0, 0.9);
  for (LocalizedStudy& study : never.studies) study.evidence.hit = 0;
  EXPECT_TRUE(evaluate_localization({never}, two_hundred_replicates()).questions[0].shortcut);
  never.auroc = 0.7;
  EXPECT_FALSE(evaluate_localization({never}, two_hundred_replicates()).questions[0].shortcut);
  never.auroc = std::nan("");
  EXPECT_FALSE(evaluate_localization({never}, two_hundred_replicates()).questions[0].shortcut);
}

TEST(Localization, PatientsAreDrawnWithAllTheirStudies) {
  LocalizationOptions options = two_hundred_replicates();
  for (int i = 0; i < 20; ++i) options.patients.patient_of["S" + std::to_string(i)] = i % 4 == 0 ? "A" : "B";
  const LocalizationEvaluation found = evaluate_localization({twenty_studies(1, 0.9)}, options);
  EXPECT_EQ(found.unit, "patient");
  EXPECT_EQ(found.num_units, 2);
  EXPECT_EQ(found.questions[0].evidence.hit.low, 0);  // both times the patient who was missed
}

TEST(Localization, LesionsFoundByFalsePlaces) {
  LocalizedQuestion question{"q", 0.9, {}};
  LocalizedStudy a = localized("A", 1, 0, 0), b = localized("B", 0, 0, 0);
  a.lesions = 2;
  a.places = {{9, 0}, {8, -1}, {7, 0}, {3, 1}};
  b.places = {{6, -1}, {5, -1}, {4, 0}};
  question.studies = {a, b};
  const std::vector<Interval> found =
      evaluate_localization({question}, two_hundred_replicates()).questions[0].lesions_found;
  ASSERT_EQ(found.size(), 4u);
  EXPECT_NEAR(found[0].value, 1.0 / 3, 1e-12);  // one false place in two scans: the first lesion
  EXPECT_NEAR(found[1].value, 1.0 / 3, 1e-12);
  EXPECT_NEAR(found[2].value, 1, 1e-12);  // three false ones are below four
}

TEST(Localization, FilesComeBack) {
  const test::TempDir dir;
  LocalizationEvaluation evaluation =
      evaluate_localization({twenty_studies(1, 0.9)}, two_hundred_replicates());
  RunRecord record;
  record.kind = "localize";
  write_localization(dir / "run", evaluation, record);
  const auto read = std::get<LocalizationEvaluation>(read_run_metrics(dir / "run/metrics.json").result);
  EXPECT_EQ(read.questions[0].question, "Is there a stone?");
  EXPECT_EQ(read.questions[0].evidence.hit.low, evaluation.questions[0].evidence.hit.low);
  EXPECT_EQ(read.questions[0].prior.hit.value, 0.5);
  EXPECT_EQ(read.num_units, 20);
  EXPECT_EQ(read_csv(dir / "run/localization.csv").rows.size(), 1u);
}

TEST(Localization, NothingToMeasureIsRefused) {
  EXPECT_PILLAR_ERROR(evaluate_localization({}, {}), ErrorCategory::input, HasSubstr("no question"));
  EXPECT_PILLAR_ERROR(evaluate_localization({{"q", 0.9, {}}}, {}), ErrorCategory::input, HasSubstr("'q'"));
}

}  // namespace
}  // namespace pillar
