#include "pillar/metrics/label_quality.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>
#include <limits>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// `count` answers of each of the four cells, with the weights of predicted Yes and No.
std::vector<ReviewedLabel> cells(int tp, int fp, int tn, int fn, double yes_weight = 1,
                                 double no_weight = 1) {
  std::vector<ReviewedLabel> labels;
  labels.insert(labels.end(), static_cast<std::size_t>(tp), {true, true, yes_weight});
  labels.insert(labels.end(), static_cast<std::size_t>(fp), {true, false, yes_weight});
  labels.insert(labels.end(), static_cast<std::size_t>(tn), {false, false, no_weight});
  labels.insert(labels.end(), static_cast<std::size_t>(fn), {false, true, no_weight});
  return labels;
}

TEST(LabelQuality, RatesOfASampleOfWhichEachCountsOnce) {
  const LabelQuality quality = label_quality(cells(18, 2, 15, 5), {.replicates = 0});
  const LabelRates& rates = quality.unweighted;
  EXPECT_EQ(quality.items, 40);
  EXPECT_DOUBLE_EQ(rates.accuracy.value, 33.0 / 40);
  EXPECT_DOUBLE_EQ(rates.sensitivity.value, 18.0 / 23);
  EXPECT_DOUBLE_EQ(rates.specificity.value, 15.0 / 17);
  EXPECT_DOUBLE_EQ(rates.ppv.value, 18.0 / 20);
  EXPECT_DOUBLE_EQ(rates.npv.value, 15.0 / 20);
  EXPECT_DOUBLE_EQ(rates.f1.value, 36.0 / 43);
  EXPECT_DOUBLE_EQ(rates.kappa.value, 0.65);  // observed 0.825, by chance 0.5
  EXPECT_DOUBLE_EQ(quality.weighted.accuracy.value, rates.accuracy.value);
}

TEST(LabelQuality, WeightsUndoADrawThatWasHalfYes) {
  // Of 1,000 labels 100 say Yes: 20 of either were drawn. 10 % of Yes and 5 % of No are wrong.
  const LabelQuality quality = label_quality(cells(18, 2, 19, 1, 5, 45), {.replicates = 200});
  EXPECT_DOUBLE_EQ(quality.weighted.ppv.value, 0.9);
  EXPECT_DOUBLE_EQ(quality.weighted.npv.value, 0.95);
  EXPECT_DOUBLE_EQ(quality.weighted.sensitivity.value, 90.0 / (90 + 45));
  EXPECT_DOUBLE_EQ(quality.weighted.specificity.value, 855.0 / (855 + 10));
  EXPECT_DOUBLE_EQ(quality.prevalence, 0.135);
  EXPECT_GT(quality.unweighted.sensitivity.value, 0.94) << "what the half-Yes sample pretends";
  EXPECT_LT(quality.weighted.sensitivity.low, 0.5) << "one answer of weight 45 decides it";
  EXPECT_LT(quality.weighted.f1.low, quality.weighted.f1.value);
  EXPECT_GT(quality.weighted.kappa.high, quality.weighted.kappa.value);
}

TEST(LabelQuality, WilsonsIntervalIsTheTextbooks) {
  const Interval half = wilson_interval(5, 10, 0.95);  // Newcombe, Statistics in Medicine 17, 1998
  EXPECT_NEAR(half.low, 0.2366, 5e-5);
  EXPECT_NEAR(half.high, 0.7634, 5e-5);
  const Interval none = wilson_interval(0, 20, 0.95);
  EXPECT_DOUBLE_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.1611, 5e-5);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0, 0.95).value));
}

TEST(LabelQuality, KappaIsUndefinedWhereAgreementIsCertain) {
  EXPECT_TRUE(std::isnan(cohen_kappa(0, 0, 0, 10)));
  EXPECT_TRUE(std::isnan(cohen_kappa(0, 0, 0, 0)));
  EXPECT_DOUBLE_EQ(cohen_kappa(5, 0, 0, 5), 1);
  EXPECT_DOUBLE_EQ(cohen_kappa(20, 5, 10, 15), 0.4);
}

TEST(LabelQuality, RefusesWeightsThatAreNone) {
  for (const double weight : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    const std::vector<ReviewedLabel> labels = {{true, true, weight}};
    EXPECT_PILLAR_ERROR(label_quality(labels, {}), ErrorCategory::input, HasSubstr("weight"));
  }
}

TEST(LabelScoreFile, ReadsWhatItWrote) {
  TempDir dir;
  LabelScore score;
  score.labeller = "rules: x";
  score.bootstrap.replicates = 50;
  score.overall = label_quality(cells(3, 1, 4, 0), score.bootstrap);
  score.questions = {{"Is there \"x\"?", "Chest", score.overall}};
  score.categories = {{"Chest", "", label_quality(cells(0, 0, 2, 0), score.bootstrap)}};
  score.texts = {{"findings", 4, 3, wilson_interval(3, 4, 0.95)}};
  score.reviewers = {{"Anna", "Ben", 10, 9, 0.8}};
  score.disputed = 2;
  write_label_score(dir / "score.json", score);
  const LabelScore read = read_label_score(dir / "score.json");
  EXPECT_EQ(read.labeller, "rules: x");
  EXPECT_EQ(read.disputed, 2);
  EXPECT_EQ(read.questions.at(0).name, "Is there \"x\"?");
  EXPECT_DOUBLE_EQ(read.questions[0].quality.weighted.sensitivity.low,
                   score.overall.weighted.sensitivity.low);
  EXPECT_TRUE(std::isnan(read.categories.at(0).quality.weighted.sensitivity.value));
  EXPECT_EQ(read.texts.at(0).correct, 3);
  EXPECT_EQ(read.reviewers.at(0).second, "Ben");
}

TEST(LabelScoreFile, FaultsNameTheKey) {
  TempDir dir;
  write_file_atomic(dir / "score.json", std::string_view(R"({"kind": "probe", "format": 1})"));
  EXPECT_PILLAR_ERROR(read_label_score(dir / "score.json"), ErrorCategory::input,
                      AllOf(HasSubstr("score.json"), HasSubstr("kind"), HasSubstr("label-score")));
  write_file_atomic(dir / "score.json", std::string_view(R"({"kind": "label-score", "format": 2})"));
  EXPECT_PILLAR_ERROR(read_label_score(dir / "score.json"), ErrorCategory::input, HasSubstr("format"));
  EXPECT_PILLAR_ERROR(read_label_score(dir / "absent.json"), ErrorCategory::io, HasSubstr("absent.json"));
}

}  // namespace
}  // namespace pillar
