#include "pillar/metrics/label_noise.h"

#include "pillar/core/csv.h"
#include "pillar/core/random.h"
#include "pillar/metrics/metrics.h"

#include "support/temp_dir.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace pillar {
namespace {

using test::TempDir;

// Studies with a truth, a score that knows something of it, and a label that errs by chance.
struct NoisyCohort {
  std::vector<double> scores, truth_as_score;
  std::vector<std::int8_t> truth, labels;
};

double random_normal(SplitMix64& random) {
  const double u = 1 - unit_interval(random.next());
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * unit_interval(random.next()));
}

NoisyCohort noisy_cohort(int studies, double prevalence, double sensitivity, double specificity,
                         std::uint64_t seed) {
  SplitMix64 random{seed};
  NoisyCohort cohort;
  for (int i = 0; i < studies; ++i) {
    const bool truth = unit_interval(random.next()) < prevalence;
    const bool right = unit_interval(random.next()) < (truth ? sensitivity : specificity);
    cohort.truth.push_back(truth);
    cohort.labels.push_back(truth == right);
    cohort.scores.push_back(random_normal(random) + (truth ? 1.2 : 0));
    cohort.truth_as_score.push_back(truth);
  }
  return cohort;
}

double share_of_yes(const std::vector<std::int8_t>& labels) {
  return static_cast<double>(std::count(labels.begin(), labels.end(), 1)) /
         static_cast<double>(labels.size());
}

TEST(LabelNoise, TheModelHoldsInASimulation) {
  const struct {
    double prevalence, sensitivity, specificity;
  } cases[] = {{0.3, 0.8, 0.95}, {0.05, 0.9, 0.97}, {0.5, 0.7, 0.7}};
  for (const auto& c : cases) {
    const NoisyCohort cohort = noisy_cohort(200'000, c.prevalence, c.sensitivity, c.specificity, 7);
    const double truth = auroc(rank_scores(cohort.scores, cohort.truth));
    const double observed = auroc(rank_scores(cohort.scores, cohort.labels));
    const NoisyLabels labels = noisy_labels(c.sensitivity, c.specificity, share_of_yes(cohort.labels));
    EXPECT_NEAR(labels.prevalence, c.prevalence, 0.005);
    EXPECT_NEAR(auroc_under_noise(truth, labels), observed, 0.005);
    EXPECT_NEAR(auroc_without_noise(observed, labels), truth, 0.02);
    const double perfect = auroc(rank_scores(cohort.truth_as_score, cohort.labels));
    EXPECT_NEAR(auroc_under_noise(1, labels), perfect, 0.005);
  }
}

TEST(LabelNoise, PerfectLabelsChangeNothing) {
  const NoisyLabels labels = noisy_labels(1, 1, 0.2);
  EXPECT_DOUBLE_EQ(labels.prevalence, 0.2);
  EXPECT_DOUBLE_EQ(auroc_under_noise(0.8, labels), 0.8);
  EXPECT_DOUBLE_EQ(auroc_without_noise(0.8, labels), 0.8);
}

TEST(LabelNoise, IsUndefinedWhereNoTruthCouldGiveSuchLabels) {
  EXPECT_TRUE(std::isnan(noisy_labels(0.5, 0.5, 0.3).ppv)) << "labels by chance";
  EXPECT_TRUE(std::isnan(noisy_labels(0.9, 0.9, 0.05).ppv)) << "fewer Yes than the false ones alone";
  EXPECT_TRUE(std::isnan(noisy_labels(0.9, 0.9, 0.95).ppv));
  EXPECT_TRUE(std::isnan(auroc_without_noise(0.8, noisy_labels(0.4, 0.5, 0.3))));
}

// The interval must hold the truth about as often as it says.
TEST(LabelNoise, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  constexpr int kRuns = 60;
  int held = 0;
  for (int run = 0; run < kRuns; ++run) {
    const NoisyCohort cohort = noisy_cohort(1500, 0.3, 0.85, 0.95, 1000 + static_cast<std::uint64_t>(run));
    const NoisyCohort audited = noisy_cohort(300, 0.3, 0.85, 0.95, 5000 + static_cast<std::uint64_t>(run));
    std::vector<ReviewedLabel> reviewed;
    for (std::size_t i = 0; i < audited.truth.size(); ++i)
      reviewed.push_back({audited.labels[i] == 1, audited.truth[i] == 1, 1});
    LabelScore score;
    score.overall = label_quality(reviewed, {.replicates = 0});
    Evaluation evaluation;
    QuestionEvaluation& question = evaluation.questions.emplace_back();
    question.question = "Q";
    question.num_positive = std::count(cohort.labels.begin(), cohort.labels.end(), 1);
    question.num_negative = 1500 - question.num_positive;
    const double observed = auroc(rank_scores(cohort.scores, cohort.labels));
    // Hanley and McNeil's standard error (Radiology 143, 1982).
    const double q1 = observed / (2 - observed), q2 = 2 * observed * observed / (1 + observed);
    const auto p = static_cast<double>(question.num_positive), n = static_cast<double>(question.num_negative);
    const double error = std::sqrt((observed * (1 - observed) + (p - 1) * (q1 - observed * observed) +
                                    (n - 1) * (q2 - observed * observed)) /
                                   (p * n));
    question.auroc = {observed, observed - 1.96 * error, observed + 1.96 * error};
    const auto corrected = correct_for_label_noise(evaluation, score, {.draws = 1000});
    const double truth = 0.5 * std::erfc(-1.2 / std::numbers::sqrt2 / std::numbers::sqrt2);
    held += corrected[0].corrected.low <= truth && truth <= corrected[0].corrected.high;
    EXPECT_EQ(corrected[0].quality_of, "all questions");
  }
  EXPECT_GE(held, 53) << "of 60, where 57 are to be expected";
}

TEST(LabelNoise, AQuestionTakesTheNearestQualityThatWasReviewedEnough) {
  const auto quality = [](std::int64_t items, double sensitivity) {
    LabelQuality q;
    q.items = items;
    q.weighted.sensitivity = {sensitivity, sensitivity - 0.05, sensitivity + 0.05};
    q.weighted.specificity = {0.95, 0.9, 0.99};
    return q;
  };
  LabelScore score;
  score.overall = quality(100, 0.7);
  score.categories = {{"Chest", "", quality(30, 0.8)}};
  score.questions = {{"A", "Chest", quality(25, 0.9)}, {"B", "Chest", quality(3, 0.1)}};
  Evaluation evaluation;
  for (const auto& [name, category] : {std::pair("A", "Chest"), {"B", "Chest"}, {"C", "Bones"}}) {
    QuestionEvaluation& question = evaluation.questions.emplace_back();
    question.question = name;
    question.category = category;
    question.num_positive = 30;
    question.num_negative = 70;
    question.auroc = {0.8, 0.7, 0.9};
  }
  evaluation.questions.emplace_back().auroc = {std::nan(""), 0, 0};
  const auto questions = correct_for_label_noise(evaluation, score, {});
  ASSERT_EQ(questions.size(), 3u) << "one has no AUROC";
  EXPECT_EQ(questions[0].quality_of, "question");
  EXPECT_DOUBLE_EQ(questions[0].sensitivity.value, 0.9);
  EXPECT_EQ(questions[1].quality_of, "category");
  EXPECT_EQ(questions[2].quality_of, "all questions");
  TempDir dir;
  write_label_noise(dir / "label_noise.csv", questions);
  const CsvTable table = read_csv(dir / "label_noise.csv");
  EXPECT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.header.back(), "corrected_high");
}

}  // namespace
}  // namespace pillar
