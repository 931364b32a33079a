// Curves against searches that cannot go wrong: every grid point, every pool of neighbours.
#include "pillar/metrics/calibration_curve.h"

#include "support/expect_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct CurveSamples {
  std::vector<double> scores;
  std::vector<std::int8_t> answers;
};

// Scores of one decimal, so that many are tied; yes is likelier where they are high; one in ten is unknown.
CurveSamples random_curve_samples(std::uint64_t seed, std::size_t studies, double slope) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 2);
  std::uniform_real_distribution<double> uniform(0, 1);
  CurveSamples samples;
  for (std::size_t i = 0; i < studies; ++i) {
    const double score = std::round(10 * normal(random)) / 10;
    const bool yes = uniform(random) < 1 / (1 + std::exp(-(slope * score - 0.5)));
    samples.scores.push_back(score);
    samples.answers.push_back(uniform(random) < 0.1 ? -1 : (yes ? 1 : 0));
  }
  return samples;
}

// Platt's loss as his paper writes it.
double loss_by_paper(const CurveSamples& samples, double slope, double intercept) {
  double yes = 0, no = 0, loss = 0;
  for (const std::int8_t answer : samples.answers) {
    yes += answer == 1;
    no += answer == 0;
  }
  for (std::size_t i = 0; i < samples.scores.size(); ++i) {
    if (samples.answers[i] < 0) continue;
    const double target = samples.answers[i] == 1 ? (yes + 1) / (yes + 2) : 1 / (no + 2);
    const double p = 1 / (1 + std::exp(-(slope * samples.scores[i] + intercept)));
    loss -= target * std::log(p) + (1 - target) * std::log(1 - p);
  }
  return loss;
}

// The best of a grid of curves that do not fall, which is then laid ever finer around its best point.
PlattCurve best_by_grid(const CurveSamples& samples) {
  PlattCurve best = {0, 0};
  for (double step = 0.5; step > 1e-8; step /= 2) {
    const PlattCurve middle = best;
    for (int i = -10; i <= 10; ++i) {
      for (int j = -10; j <= 10; ++j) {
        const PlattCurve at = {middle.slope + i * step, middle.intercept + j * step};
        if (at.slope >= 0 && loss_by_paper(samples, at.slope, at.intercept) <
                                 loss_by_paper(samples, best.slope, best.intercept))
          best = at;
      }
    }
  }
  return best;
}

TEST(CalibrationCurve, PlattIsTheBestOfAGrid) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const CurveSamples samples = random_curve_samples(seed, 40 + 30 * seed, 0.3 + 0.2 * seed);
    const PlattCurve curve = fit_platt(samples.scores, samples.answers);
    const PlattCurve best = best_by_grid(samples);
    EXPECT_NEAR(curve.slope, best.slope, 1e-5) << "seed " << seed;
    EXPECT_NEAR(curve.intercept, best.intercept, 1e-5) << "seed " << seed;
    EXPECT_LE(loss_by_paper(samples, curve.slope, curve.intercept),
              loss_by_paper(samples, best.slope, best.intercept) + 1e-9);
  }
}

TEST(CalibrationCurve, PlattIsFiniteWhereScoresPartTheAnswers) {
  const PlattCurve curve = fit_platt(std::vector<double>{-2, -1, 1, 2}, std::vector<std::int8_t>{0, 0, 1, 1});
  const PlattCurve best = best_by_grid({{-2, -1, 1, 2}, {0, 0, 1, 1}});
  EXPECT_NEAR(curve.slope, best.slope, 1e-5);
  EXPECT_NEAR(curve.intercept, 0, 1e-9);
}

TEST(CalibrationCurve, PlattDoesNotDependOnTheScoresUnit) {
  CurveSamples samples = random_curve_samples(11, 120, 0.7);
  const PlattCurve curve = fit_platt(samples.scores, samples.answers);
  for (double& score : samples.scores) score = 1e6 * score + 3e6;
  const PlattCurve moved = fit_platt(samples.scores, samples.answers);
  EXPECT_NEAR(moved.slope * 1e6, curve.slope, 1e-9);
  EXPECT_NEAR(moved.intercept + moved.slope * 3e6, curve.intercept, 1e-8);
}

TEST(CalibrationCurve, PlattNeverFalls) {
  // Yes where scores are low, and scores that are all the same: Platt's mean target for everyone.
  for (const std::vector<double>& scores : {std::vector<double>{3, 2, 1, 0}, std::vector<double>(4, 5.0)}) {
    const PlattCurve curve = fit_platt(scores, std::vector<std::int8_t>{0, 0, 1, 1});
    EXPECT_EQ(curve.slope, 0);
    EXPECT_NEAR(curve.intercept, 0, 1e-12);
  }
}

// At each distinct score the largest over starts of the smallest over ends of the mean answer in between.
std::map<double, double> isotonic_by_pools(const CurveSamples& samples) {
  std::map<double, std::pair<double, double>> at;  // yes and studies by score
  for (std::size_t i = 0; i < samples.scores.size(); ++i) {
    if (samples.answers[i] < 0) continue;
    at[samples.scores[i]].first += samples.answers[i];
    at[samples.scores[i]].second += 1;
  }
  std::map<double, double> fitted;
  for (auto here = at.begin(); here != at.end(); ++here) {
    double largest = 0;
    for (auto start = at.begin(); start != std::next(here); ++start) {
      double yes = 0, studies = 0, smallest = 1;
      for (auto end = start; end != at.end(); ++end) {
        yes += end->second.first;
        studies += end->second.second;
        if (end->first >= here->first) smallest = std::min(smallest, yes / studies);
      }
      largest = std::max(largest, smallest);
    }
    fitted[here->first] = largest;
  }
  return fitted;
}

TEST(CalibrationCurve, IsotonicIsTheBestOfAllPools) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const CurveSamples samples = random_curve_samples(100 + seed, 10 + 5 * seed, 0.05 * seed);
    const IsotonicCurve curve = fit_isotonic(samples.scores, samples.answers);
    for (const auto& [score, probability] : isotonic_by_pools(samples))
      EXPECT_NEAR(probability_at(curve, score), probability, 1e-15) << "seed " << seed << " score " << score;
    EXPECT_TRUE(std::is_sorted(curve.probabilities.begin(), curve.probabilities.end()));
    EXPECT_TRUE(std::adjacent_find(curve.scores.begin(), curve.scores.end(), std::greater_equal<>()) ==
                curve.scores.end());
  }
}

TEST(CalibrationCurve, IsotonicByHand) {
  // Rising score: no, {yes, no tied}, no, yes: the middle three pool to a third; an unknown counts nothing.
  const IsotonicCurve curve =
      fit_isotonic(std::vector<double>{4, 1, 2, 2, 3, 9}, std::vector<std::int8_t>{1, 0, 1, 0, 0, -1});
  EXPECT_THAT(curve.scores, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(curve.probabilities, ElementsAre(0, 1 / 3.0, 1 / 3.0, 1));
  EXPECT_EQ(probability_at(curve, -100), 0);
  EXPECT_DOUBLE_EQ(probability_at(curve, 1.5), 1 / 6.0);
  EXPECT_DOUBLE_EQ(probability_at(curve, 2.7), 1 / 3.0);
  EXPECT_DOUBLE_EQ(probability_at(curve, 3.25), 0.5);
  EXPECT_EQ(probability_at(curve, 4), 1);
  EXPECT_EQ(probability_at(curve, 1e300), 1);
}

TEST(CalibrationCurve, RefusesWhatCannotBeFitted) {
  using Scores = std::vector<double>;
  using Answers = std::vector<std::int8_t>;
  const auto refused = [](const Scores& scores, const Answers& answers, const char* message) {
    EXPECT_PILLAR_ERROR(fit_platt(scores, answers), ErrorCategory::input, HasSubstr(message));
    EXPECT_PILLAR_ERROR(fit_isotonic(scores, answers), ErrorCategory::input, HasSubstr(message));
  };
  refused({}, {}, "no study has a known answer");
  refused({1, 2}, {-1, -1}, "no study has a known answer");
  refused({1, 2, 3}, {0, 0, -1}, "all 2 known are no");
  refused({1, 2, 3}, {1, 1, 1}, "all 3 known are yes");
  refused({1, std::numeric_limits<double>::quiet_NaN()}, {1, 0}, "score 1 is not finite");
  refused({1, 1e200}, {1, 0}, "too large");
  refused({1, 2}, {1, 2}, "answer 1 is 2");
  refused({1, 2}, {1}, "2 scores, but 1 answers");
  EXPECT_PILLAR_ERROR(fit_platt(Scores{0, 1e-300}, Answers{0, 1}), ErrorCategory::input,
                      HasSubstr("too close together"));
  EXPECT_PILLAR_ERROR(parse_calibration_method("plat"), ErrorCategory::usage,
                      AllOf(HasSubstr("'plat'"), HasSubstr("platt or isotonic")));
  EXPECT_EQ(parse_calibration_method("isotonic"), CalibrationMethod::isotonic);
}

}  // namespace
}  // namespace pillar
