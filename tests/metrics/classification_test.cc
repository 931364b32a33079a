#include "pillar/metrics/classification.h"

#include "pillar/core/file.h"
#include "pillar/core/random.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/run_metrics.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/log.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Predictions predictions_like(std::vector<std::string> questions, std::vector<double> scores,
                             std::vector<std::int8_t> answers) {
  Predictions p;
  const auto rows = static_cast<std::int64_t>(questions.size());
  const std::int64_t studies = static_cast<std::int64_t>(scores.size()) / rows;
  for (std::int64_t n = 0; n < studies; ++n) p.accessions.push_back(fmt::format("A{}", n));
  p.categories.assign(questions.size(), "");
  p.questions = std::move(questions);
  p.scores_qn = at::from_blob(scores.data(), {rows, studies}, at::kDouble).clone();
  p.answers_qn = at::from_blob(answers.data(), {rows, studies}, at::kChar).clone();
  return p;
}

BootstrapOptions replicates(std::int64_t count) {
  BootstrapOptions options;
  options.replicates = count;
  return options;
}

RankedScores ranked_like(const std::vector<double>& scores, const std::vector<std::int8_t>& answers) {
  return rank_scores(scores, answers);
}

TEST(Thresholds, PartTheScoresWhereTheRuleSaysItIsBest) {
  const std::vector<double> scores = {0.9, 0.8, 0.7, 0.4, 0.2, 0.1};
  const RankedScores ranked = ranked_like(scores, {1, 0, 1, 1, 0, 0});
  // F1 after each: 1/2, 2/5, 2/3, 6/7, 3/4, 2/3.
  EXPECT_DOUBLE_EQ(choose_threshold(ranked, ThresholdRule::f1).value(), 0.3);
  EXPECT_DOUBLE_EQ(choose_threshold(ranked, ThresholdRule::youden).value(), 0.3);
  EXPECT_DOUBLE_EQ(choose_threshold(ranked, ThresholdRule::half).value(), 0.5);
  EXPECT_DOUBLE_EQ(confusion(ranked, 0.3).f1(), 6.0 / 7);
}

// Of all thresholds there are, none is better than the one that was chosen.
TEST(Thresholds, AreTheBestOfAll) {
  std::vector<double> scores;
  std::vector<std::int8_t> answers;
  for (std::uint64_t n = 0; n < 200; ++n) {
    scores.push_back(std::round(40 * unit_interval(hash64(n))) / 40);  // with ties
    answers.push_back(unit_interval(hash64(n + 1000)) < scores.back() ? 1 : 0);
  }
  const RankedScores ranked = rank_scores(scores, answers);
  const Confusion f1 = confusion(ranked, choose_threshold(ranked, ThresholdRule::f1).value());
  const Confusion youden = confusion(ranked, choose_threshold(ranked, ThresholdRule::youden).value());
  for (double threshold = -0.0125; threshold < 1.1; threshold += 0.025) {
    const Confusion other = confusion(ranked, threshold);
    EXPECT_LE(other.f1(), f1.f1() + 1e-12);
    EXPECT_LE(other.recall() + other.specificity(), youden.recall() + youden.specificity() + 1e-12);
  }
}

TEST(Thresholds, OfOneClassThereIsNone) {
  EXPECT_FALSE(choose_threshold(ranked_like({0.2, 0.4}, {1, 1}), ThresholdRule::f1));
  EXPECT_FALSE(choose_threshold(ranked_like({0.2, 0.4}, {0, -1}), ThresholdRule::youden));
}

TEST(Thresholds, MayCallEverythingYes) {
  const RankedScores ranked = ranked_like({0.0, 0.3}, {1, 0});
  EXPECT_LT(choose_threshold(ranked, ThresholdRule::f1).value(), 0);
  EXPECT_EQ(confusion(ranked, choose_threshold(ranked, ThresholdRule::f1).value()).true_positives, 1);
}

TEST(Thresholds, AreKnownByName) {
  for (const ThresholdRule rule : {ThresholdRule::half, ThresholdRule::f1, ThresholdRule::youden})
    EXPECT_EQ(parse_threshold_rule(to_string(rule)), rule);
  EXPECT_PILLAR_ERROR(parse_threshold_rule("best"), ErrorCategory::usage, HasSubstr("half, f1 or youden"));
}

Predictions two_findings() {
  std::vector<double> scores;
  std::vector<std::int8_t> answers;
  for (std::uint64_t q = 0; q < 2; ++q) {
    for (std::uint64_t n = 0; n < 60; ++n) {
      const bool yes = n % (q + 2) == 0;
      answers.push_back(n == 7 ? -1 : yes ? 1 : 0);
      scores.push_back(0.7 * unit_interval(hash64(n + 99 * q)) + (yes ? 0.3 : 0));
    }
  }
  return predictions_like({"nodule", "effusion"}, scores, answers);
}

TEST(ThresholdedEvaluation, CountsWhatThresholdsSay) {
  const Predictions p = two_findings();
  const auto thresholds = choose_thresholds(p, ThresholdRule::f1);
  const ThresholdedEvaluation e =
      evaluate_at_thresholds(p, ThresholdRule::f1, thresholds, replicates(200), {});
  ASSERT_EQ(e.questions.size(), 2u);
  double sum = 0;
  for (std::size_t q = 0; q < 2; ++q) {
    const ThresholdedQuestion& question = e.questions[q];
    const Confusion& c = question.confusion;
    EXPECT_EQ(c.true_positives + c.false_positives + c.true_negatives + c.false_negatives, 59);
    EXPECT_TRUE(question.is_chosen);
    EXPECT_DOUBLE_EQ(question.threshold, thresholds[q].value());
    EXPECT_DOUBLE_EQ(question.f1.value, c.f1());
    EXPECT_DOUBLE_EQ(question.sensitivity.value, c.recall());
    EXPECT_DOUBLE_EQ(question.specificity.value, c.specificity());
    for (const Interval* interval : {&question.f1, &question.sensitivity, &question.specificity}) {
      EXPECT_LT(interval->low, interval->value);
      EXPECT_GT(interval->high, interval->value);
    }
    sum += question.f1.value;
  }
  EXPECT_DOUBLE_EQ(e.f1.mean.value, sum / 2);
  EXPECT_LT(e.f1.mean.low, e.f1.mean.value);
}

// The replicates are those of drawn_units(), counted the plain way.
TEST(ThresholdedEvaluation, HasTheIntervalOfThePlainBootstrap) {
  const Predictions p = two_findings();
  const ThresholdedEvaluation e = evaluate_at_thresholds(
      p, ThresholdRule::half, std::vector<std::optional<double>>(2), replicates(37), {});
  std::vector<double> f1s;
  const auto* scores = p.scores_qn.const_data_ptr<double>();
  const auto* answers = p.answers_qn.const_data_ptr<std::int8_t>();
  for (std::int64_t r = 0; r < 37; ++r) {
    Confusion c;
    for (const std::uint32_t n : drawn_units(0, r, 60)) {
      if (answers[n] < 0) continue;
      const bool said = scores[n] > 0.5;
      ++(answers[n] == 1 ? (said ? c.true_positives : c.false_negatives)
                         : (said ? c.false_positives : c.true_negatives));
    }
    f1s.push_back(c.f1());
  }
  const Interval plain = percentile_interval(e.questions[0].f1.value, f1s, 0.95);
  EXPECT_DOUBLE_EQ(e.questions[0].f1.low, plain.low);
  EXPECT_DOUBLE_EQ(e.questions[0].f1.high, plain.high);
  EXPECT_FALSE(e.questions[0].is_chosen);
  EXPECT_EQ(e.questions[0].threshold, 0.5);
}

TEST(ThresholdedEvaluation, RefusesWhatDoesNotFit) {
  Predictions p = two_findings();
  EXPECT_PILLAR_ERROR(evaluate_at_thresholds(p, ThresholdRule::half, std::vector<std::optional<double>>(3),
                                             replicates(0), {}),
                      ErrorCategory::usage, HasSubstr("3 thresholds for 2 questions"));
  p.probabilities = false;
  EXPECT_PILLAR_ERROR(evaluate_at_thresholds(p, ThresholdRule::half, std::vector<std::optional<double>>(2),
                                             replicates(0), {}),
                      ErrorCategory::usage, HasSubstr("of probabilities"));
}

// Six studies of three classes, the last of an unknown one.
Predictions three_classes() {
  return predictions_like({"none", "mild", "severe"},
                          {0.7, 0.2, 0.1, 0.4, 0.3, 0.9,   //
                           0.2, 0.6, 0.5, 0.4, 0.3, 0.05,  //
                           0.1, 0.2, 0.4, 0.2, 0.4, 0.05},
                          {1, 0, 0, 0, 0, -1,  //
                           0, 1, 0, 1, 0, -1,  //
                           0, 0, 1, 0, 1, -1});
}

TEST(Classes, AreCountedByTruthAndByWhatIsSaid) {
  const ClassEvaluation e = evaluate_classes(three_classes(), replicates(100), {});
  EXPECT_EQ(e.num_studies, 5);
  // The fourth study's two scores are equal: the first class is said.
  EXPECT_THAT(e.studies_kk, ElementsAre(1, 0, 0, 1, 1, 0, 0, 1, 1));
  EXPECT_DOUBLE_EQ(e.accuracy.value, 3.0 / 5);
  EXPECT_DOUBLE_EQ(e.balanced_accuracy.value, (1 + 0.5 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(e.macro_f1.value, (2.0 / 3 + 0.5 + 2.0 / 3) / 3);
  EXPECT_LT(e.accuracy.low, e.accuracy.value);
  EXPECT_GT(e.accuracy.high, e.accuracy.value);
}

TEST(Classes, RefuseAStudyOfTwoClassesOrOfNone) {
  Predictions p = three_classes();
  p.answers_qn[2][0] = 1;
  EXPECT_PILLAR_ERROR(evaluate_classes(p, replicates(0), {}), ErrorCategory::input,
                      HasSubstr("accession A0: is of two classes, 'none' and 'severe'"));
  p.answers_qn[2][0] = 0;
  p.answers_qn[0][0] = 0;
  EXPECT_PILLAR_ERROR(evaluate_classes(p, replicates(0), {}), ErrorCategory::input,
                      HasSubstr("accession A0: is of none of the classes"));
}

TEST(Classes, LogOddsRankAsProbabilitiesDoAndDoNotSaturate) {
  const at::Tensor logits =
      at::tensor({1.0, 0.5, -2.0, 3.0, 3.1, 2.9, 0.0, 80.0, 1.0}, at::kDouble).view({3, 3});
  const at::Tensor odds = class_log_odds(logits), p = at::softmax(logits, 1);
  const at::Tensor plain = at::log(p / (1 - p));
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t k = 0; k < 3; ++k)
      EXPECT_NEAR(odds[n][k].item<double>(), plain[n][k].item<double>(), 1e-12);
  }
  EXPECT_TRUE(std::isfinite(odds[2][1].item<double>()));
  EXPECT_EQ(p[2][1].item<double>(), 1.0);
}

// What ranks is not what is said: a calibration that falls would otherwise turn every rank round.
TEST(Evaluation, RanksByTheScoresThatItIsGiven) {
  Predictions p = two_findings();
  const Evaluation by_score = evaluate(p, {replicates(20), {}, 5});
  p.ranking_qn = p.scores_qn * 3 - 1;
  p.scores_qn = at::full_like(p.scores_qn, 0.25);
  const Evaluation ranked = evaluate(p, {replicates(20), {}, 5});
  for (std::size_t q = 0; q < 2; ++q) {
    EXPECT_EQ(ranked.questions[q].auroc.value, by_score.questions[q].auroc.value);
    EXPECT_EQ(ranked.questions[q].auroc.low, by_score.questions[q].auroc.low);
    EXPECT_EQ(ranked.questions[q].average_precision.value, by_score.questions[q].average_precision.value);
    EXPECT_EQ(ranked.questions[q].at_90_specificity.sensitivity,
              by_score.questions[q].at_90_specificity.sensitivity);
    EXPECT_EQ(ranked.questions[q].at_90_specificity.threshold, 0.25);
    EXPECT_EQ(ranked.questions[q].confusion.true_positives, 0);
    EXPECT_EQ(ranked.questions[q].reliability.size(), 1u);
  }
  p.ranking_qn = p.ranking_qn.narrow(1, 0, 3).contiguous();
  EXPECT_PILLAR_ERROR(evaluate(p, {}), ErrorCategory::input, HasSubstr("2 questions by 60 studies"));
}

TEST(RunMetrics, KeepThresholdsAndClasses) {
  const test::TempDir dir;
  Evaluation e = evaluate(three_classes(), {replicates(10), {}, 5});
  const std::vector<std::optional<double>> thresholds = {0.3, std::nullopt, 0.25};
  e.thresholded =
      evaluate_at_thresholds(three_classes(), ThresholdRule::youden, thresholds, replicates(10), {});
  e.thresholded->chosen_on = "dev";
  e.classes = evaluate_classes(three_classes(), replicates(10), {});
  RunRecord record;
  record.kind = "finetune";
  write_evaluation(dir.path(), e, record, std::nullopt);
  const RunMetrics read = read_run_metrics(dir / "metrics.json");
  const Evaluation& back = std::get<EvaluationMetrics>(read.result).evaluation;
  ASSERT_TRUE(back.thresholded && back.classes);
  EXPECT_EQ(back.thresholded->rule, ThresholdRule::youden);
  EXPECT_EQ(back.thresholded->chosen_on, "dev");
  EXPECT_TRUE(back.thresholded->questions[0].is_chosen);
  EXPECT_FALSE(back.thresholded->questions[1].is_chosen);
  EXPECT_EQ(back.thresholded->questions[2].threshold, 0.25);
  EXPECT_EQ(back.thresholded->questions[2].confusion.true_positives,
            e.thresholded->questions[2].confusion.true_positives);
  EXPECT_EQ(back.thresholded->f1.mean.low, e.thresholded->f1.mean.low);
  EXPECT_EQ(back.classes->studies_kk, e.classes->studies_kk);
  EXPECT_EQ(back.classes->classes, e.classes->classes);
  EXPECT_EQ(back.classes->balanced_accuracy.high, e.classes->balanced_accuracy.high);
  EXPECT_EQ(read_text_file(dir / "confusion.csv"),
            "true,none,mild,severe\nnone,1,0,0\nmild,1,1,0\nsevere,0,1,1\n");
  EXPECT_THAT(read_text_file(dir / "thresholds.csv"), HasSubstr("severe,0.25,dev,"));
}

}  // namespace
}  // namespace pillar
