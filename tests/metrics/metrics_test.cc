#include "pillar/metrics/metrics.h"

#include "pillar/core/csv.h"
#include "pillar/core/random.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Scores = std::vector<double>;
using Answers = std::vector<std::int8_t>;

constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();

struct Drawn {
  Scores scores;
  Answers answers;
};

// `levels`: of scores; few make ties.
Drawn drawn_scores(std::size_t count, std::uint64_t levels, std::uint64_t seed) {
  Drawn result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = hash64(seed * 1000 + i);
    result.answers.push_back(word % 4 == 0 ? 1 : word % 29 == 1 ? -1 : 0);
    const std::uint64_t level = (word >> 20) % levels + (result.answers.back() == 1 ? levels / 5 : 0);
    result.scores.push_back(static_cast<double>(level) / static_cast<double>(levels) / 2);
  }
  return result;
}

double brute_auroc(const Drawn& d) {
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < d.scores.size(); ++i) {
    for (std::size_t j = 0; j < d.scores.size(); ++j) {
      if (d.answers[i] != 1 || d.answers[j] != 0) continue;
      ++pairs;
      right += d.scores[i] > d.scores[j] ? 1 : d.scores[i] == d.scores[j] ? 0.5 : 0;
    }
  }
  return right / pairs;
}

struct AtThreshold {
  double recall = 0, precision = 0, specificity = 0;
};

AtThreshold at_threshold(const Drawn& d, double threshold) {
  double said_yes = 0, right = 0, yes = 0, no = 0;
  for (std::size_t i = 0; i < d.scores.size(); ++i) {
    if (d.answers[i] < 0) continue;
    ++(d.answers[i] == 1 ? yes : no);
    if (d.scores[i] < threshold) continue;
    ++said_yes;
    right += d.answers[i];
  }
  return {right / yes, right / said_yes, 1 - (said_yes - right) / no};
}

double brute_average_precision(const Drawn& d) {
  Scores thresholds = d.scores;
  std::sort(thresholds.rbegin(), thresholds.rend());
  double sum = 0, recall = 0;
  for (const double threshold : thresholds) {
    const AtThreshold at = at_threshold(d, threshold);
    if (at.recall == recall) continue;
    sum += (at.recall - recall) * at.precision;
    recall = at.recall;
  }
  return sum;
}

TEST(Metrics, RankMetricsAreThoseOfAllPairsAndAllThresholds) {
  for (const std::uint64_t levels : {3u, 17u, 1u << 30}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Drawn d = drawn_scores(60, levels, seed);
      const RankedScores ranked = rank_scores(d.scores, d.answers);
      EXPECT_NEAR(auroc(ranked), brute_auroc(d), 1e-13);
      EXPECT_NEAR(average_precision(ranked), brute_average_precision(d), 1e-13);

      const OperatingPoint point = sensitivity_at_specificity(ranked, 0.9);
      double best = 0;
      for (const double threshold : d.scores) {
        const AtThreshold at = at_threshold(d, threshold);
        if (at.specificity > 0.9 - 1e-12) best = std::max(best, at.recall);
      }
      EXPECT_NEAR(point.sensitivity, best, 1e-13);
      if (best > 0) {
        EXPECT_NEAR(at_threshold(d, point.threshold).recall, best, 1e-13);
        EXPECT_GE(at_threshold(d, point.threshold).specificity, 0.9 - 1e-12);
      } else {
        EXPECT_TRUE(std::isnan(point.threshold));
      }
    }
  }
}

TEST(Metrics, CasesByHand) {
  // Falling: 0.9 yes, 0.8 no, 0.7 yes and no, 0.1 no.
  const RankedScores ranked = rank_scores(Scores{0.1, 0.7, 0.9, 0.7, 0.8, 0.5}, Answers{0, 1, 1, 0, 0, -1});
  EXPECT_EQ(ranked.studies, (std::vector<std::uint32_t>{2, 4, 1, 3, 0}));
  EXPECT_EQ(ranked.positives, 2);
  EXPECT_EQ(ranked.negatives, 3);
  EXPECT_DOUBLE_EQ(auroc(ranked), 4.5 / 6);
  EXPECT_DOUBLE_EQ(average_precision(ranked), 0.5 * 1 + 0.5 * 2 / 4);
  const OperatingPoint strict = sensitivity_at_specificity(ranked, 0.9);
  EXPECT_DOUBLE_EQ(strict.sensitivity, 0.5);
  EXPECT_DOUBLE_EQ(strict.threshold, 0.9);
  const OperatingPoint loose = sensitivity_at_specificity(ranked, 1.0 / 3);
  EXPECT_DOUBLE_EQ(loose.sensitivity, 1);
  EXPECT_DOUBLE_EQ(loose.threshold, 0.7);
  EXPECT_DOUBLE_EQ(auroc(rank_scores(Scores{3, 2, 1}, Answers{1, 0, 0})), 1);
  EXPECT_DOUBLE_EQ(auroc(rank_scores(Scores{1, 2, 3}, Answers{1, 0, 0})), 0);
  EXPECT_DOUBLE_EQ(auroc(rank_scores(Scores{2, 2, 2}, Answers{1, 0, 0})), 0.5);
}

TEST(Metrics, ExactlyNinetyPercentIsEnough) {
  // Ten no: one above the yes is a specificity of exactly 0.9.
  Scores scores = {0.5, 0.9};
  Answers answers = {1, 0};
  for (int i = 0; i < 9; ++i) {
    scores.push_back(0.01 * i);
    answers.push_back(0);
  }
  EXPECT_DOUBLE_EQ(sensitivity_at_specificity(rank_scores(scores, answers), 0.9).sensitivity, 1);
  scores.back() = 0.8;
  EXPECT_DOUBLE_EQ(sensitivity_at_specificity(rank_scores(scores, answers), 0.9).sensitivity, 0);
}

TEST(Metrics, OneClassHasNoRanking) {
  for (const std::int8_t only : {0, 1}) {
    const RankedScores ranked = rank_scores(Scores{0.2, 0.4, 0.6}, Answers{only, -1, only});
    EXPECT_TRUE(std::isnan(auroc(ranked)));
    EXPECT_TRUE(std::isnan(average_precision(ranked)));
    EXPECT_TRUE(std::isnan(sensitivity_at_specificity(ranked, 0.9).sensitivity));
    EXPECT_TRUE(roc_points(ranked).empty());
    EXPECT_DOUBLE_EQ(brier_score(ranked), only == 1 ? (0.64 + 0.16) / 2 : (0.04 + 0.36) / 2);
  }
  const RankedScores nothing = rank_scores(Scores{0.2}, Answers{-1});
  EXPECT_TRUE(std::isnan(auroc(nothing)));
  EXPECT_TRUE(std::isnan(brier_score(nothing)));
  EXPECT_TRUE(std::isnan(expected_calibration_error(nothing)));
  EXPECT_TRUE(reliability_bins(nothing).empty());
  EXPECT_EQ(confusion(nothing).accuracy(), 0);
}

TEST(Metrics, ConfusionAtAThreshold) {
  const RankedScores ranked = rank_scores(Scores{0.5, 0.6, 0.7, 0.2, 0.9}, Answers{1, 1, 0, 0, 1});
  const Confusion counts = confusion(ranked);  // 0.5 itself is a no
  EXPECT_EQ(counts.true_positives, 2);
  EXPECT_EQ(counts.false_negatives, 1);
  EXPECT_EQ(counts.false_positives, 1);
  EXPECT_EQ(counts.true_negatives, 1);
  EXPECT_DOUBLE_EQ(counts.accuracy(), 0.6);
  EXPECT_DOUBLE_EQ(counts.precision(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.recall(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.f1(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.specificity(), 0.5);
  const Confusion none = confusion(ranked, 2);
  EXPECT_EQ(none.precision(), 0);
  EXPECT_EQ(none.f1(), 0);
}

TEST(Metrics, RefusesWhatIsNoScoreOrAnswer) {
  EXPECT_PILLAR_ERROR(rank_scores(Scores{0.1, kNoScore}, Answers{0, 1}), ErrorCategory::input,
                      HasSubstr("score 1 is not finite"));
  EXPECT_PILLAR_ERROR(rank_scores(Scores{0.1, kNoScore}, Answers{0, -1}), ErrorCategory::input,
                      HasSubstr("not finite"));
  EXPECT_PILLAR_ERROR(rank_scores(Scores{INFINITY}, Answers{0}), ErrorCategory::input,
                      HasSubstr("not finite"));
  EXPECT_PILLAR_ERROR(rank_scores(Scores{0.1}, Answers{2}), ErrorCategory::input, HasSubstr("answer 0 is 2"));
  EXPECT_PILLAR_ERROR(rank_scores(Scores{0.1}, Answers{1, 0}), ErrorCategory::input,
                      AllOf(HasSubstr("1 scores"), HasSubstr("2 answers")));
}

// The public evaluator's own files, whose numbers are scikit-learn's.
void expect_public_numbers(const std::filesystem::path& folder) {
  const std::filesystem::path exams = folder / "exam_probabilities.csv",
                              results = folder / "detailed_results.csv";
  std::map<std::string, Drawn> questions;
  const CsvTable rows = read_csv(exams);
  for (const std::vector<std::string>& row : rows.rows) {
    Drawn& d = questions[row[rows.column("question", exams)]];
    d.scores.push_back(std::stod(row[rows.column("probability", exams)]));
    d.answers.push_back(static_cast<std::int8_t>(std::stoi(row[rows.column("true_label", exams)])));
  }
  const CsvTable expected = read_csv(results);
  ASSERT_EQ(expected.rows.size(), questions.size());
  for (const std::vector<std::string>& row : expected.rows) {
    const auto number = [&](const char* name) { return std::stod(row[expected.column(name, results)]); };
    SCOPED_TRACE(row[0]);
    const Drawn& d = questions.at(row[0]);
    const RankedScores ranked = rank_scores(d.scores, d.answers);
    const Confusion counts = confusion(ranked);
    EXPECT_EQ(ranked.positives, number("num_positive"));
    EXPECT_EQ(ranked.negatives, number("num_negative"));
    EXPECT_NEAR(counts.accuracy(), number("accuracy"), 1e-12);
    EXPECT_NEAR(counts.precision(), number("precision"), 1e-12);
    EXPECT_NEAR(counts.recall(), number("recall"), 1e-12);
    EXPECT_NEAR(counts.f1(), number("f1"), 1e-12);
    EXPECT_NEAR(counts.specificity(), number("specificity"), 1e-12);
    // One class only counts as 0 there.
    const double area = auroc(ranked);
    EXPECT_NEAR(std::isnan(area) ? 0 : area, number("auc"), 1e-12);
  }
}

TEST(Metrics, AreThoseOfThePublicEvaluator) {
  PILLAR_NEEDS_GOLDEN("rate");
  for (const char* name : {"probe_small", "probe_50_epochs"}) {
    SCOPED_TRACE(name);
    expect_public_numbers(test::golden("rate") / name / "expected");
  }
}

}  // namespace
}  // namespace pillar
