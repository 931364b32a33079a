#include "pillar/metrics/delong.h"

#include "support/expect_error.h"

#include <cmath>
#include <random>
#include <vector>

namespace pillar {
namespace {

using ::testing::HasSubstr;

struct ScoredStudies {
  std::vector<double> first, second;
  std::vector<std::int8_t> answers;
};

// Whole scores, so that many are equal; two scores of a study are alike.
ScoredStudies drawn_studies(std::uint32_t seed, int count, int levels) {
  std::mt19937 random(seed);
  ScoredStudies drawn;
  for (int i = 0; i < count; ++i) {
    drawn.answers.push_back(random() % 3 == 0 ? 1 : 0);
    const int base = static_cast<int>(random() % static_cast<unsigned>(levels)) + 2 * drawn.answers.back();
    drawn.first.push_back(base);
    drawn.second.push_back(base + static_cast<int>(random() % 3) - drawn.answers.back());
  }
  return drawn;
}

double kernel(double yes, double no) {
  return yes > no ? 1 : yes == no ? 0.5 : 0;
}

// Every pair of a yes and a no: equations 4 to 6 of the paper as they stand.
double variance_by_pairs(const std::vector<double>& a, const std::vector<double>& b,
                         const std::vector<std::int8_t>& answers) {
  std::vector<std::size_t> yes, no;
  for (std::size_t i = 0; i < answers.size(); ++i) (answers[i] == 1 ? yes : no).push_back(i);
  const auto p = static_cast<double>(yes.size()), n = static_cast<double>(no.size());
  const auto area = [&](const std::vector<double>& s) {
    double sum = 0;
    for (const std::size_t i : yes)
      for (const std::size_t j : no) sum += kernel(s[i], s[j]);
    return sum / (p * n);
  };
  const double area_a = area(a), area_b = area(b);
  double s10 = 0, s01 = 0;
  for (const std::size_t i : yes) {
    double v_a = 0, v_b = 0;
    for (const std::size_t j : no) v_a += kernel(a[i], a[j]) / n, v_b += kernel(b[i], b[j]) / n;
    s10 += (v_a - area_a) * (v_b - area_b) / (p - 1);
  }
  for (const std::size_t j : no) {
    double v_a = 0, v_b = 0;
    for (const std::size_t i : yes) v_a += kernel(a[i], a[j]) / p, v_b += kernel(b[i], b[j]) / p;
    s01 += (v_a - area_a) * (v_b - area_b) / (n - 1);
  }
  return s10 / p + s01 / n;
}

TEST(Delong, IsTheSumOverAllPairs) {
  for (const int levels : {2, 5, 1000}) {
    const ScoredStudies s = drawn_studies(7, 90, levels);
    const DelongComponents a = delong_components(rank_scores(s.first, s.answers)),
                           b = delong_components(rank_scores(s.second, s.answers));
    EXPECT_NEAR(delong_variance(a), variance_by_pairs(s.first, s.first, s.answers), 1e-14);
    const double variance = variance_by_pairs(s.first, s.first, s.answers) +
                            variance_by_pairs(s.second, s.second, s.answers) -
                            2 * variance_by_pairs(s.first, s.second, s.answers);
    const DelongDifference difference = delong_difference(a, b, 0.95);
    EXPECT_NEAR(difference.difference.value, b.auroc - a.auroc, 1e-15);
    EXPECT_NEAR(difference.difference.high - difference.difference.value, 1.959963985 * std::sqrt(variance),
                1e-8);
    EXPECT_NEAR(difference.p, std::erfc(std::abs(b.auroc - a.auroc) / std::sqrt(2 * variance)), 1e-12);
  }
}

// Hanley and Hajian-Tilaki (1997, "Sampling variability of nonparametric estimates of the areas under
// receiver operating characteristic curves: an update"): the component of a study is its jackknife
// pseudo-value, P x AUROC - (P - 1) x AUROC without it.
TEST(Delong, ComponentsAreThePseudoValuesOfTheJackknife) {
  const ScoredStudies s = drawn_studies(3, 40, 6);
  const DelongComponents components = delong_components(rank_scores(s.first, s.answers));
  std::size_t yes = 0, no = 0;
  for (std::size_t left_out = 0; left_out < s.answers.size(); ++left_out) {
    std::vector<std::int8_t> answers = s.answers;
    answers[left_out] = -1;
    const double without = auroc(rank_scores(s.first, answers));
    const bool is_yes = s.answers[left_out] == 1;
    const auto count = static_cast<double>(is_yes ? components.of_yes.size() : components.of_no.size());
    const double component = is_yes ? components.of_yes[yes++] : components.of_no[no++];
    EXPECT_NEAR(component, count * components.auroc - (count - 1) * without, 1e-12);
  }
}

TEST(Delong, WhatHasNoVarianceAndWhatIsNotDefined) {
  const std::vector<std::int8_t> answers = {1, 1, 0, 0, 0};
  const DelongComponents parted = delong_components(rank_scores(std::vector<double>{5, 4, 3, 2, 1}, answers));
  const Interval sure = delong_interval(parted, 0.95);
  EXPECT_EQ(sure.low, 1);
  EXPECT_EQ(sure.high, 1);
  const DelongComponents same = delong_components(rank_scores(std::vector<double>{9, 8, 3, 2, 0}, answers));
  EXPECT_EQ(delong_difference(parted, same, 0.95).p, 1);

  const std::vector<std::int8_t> one_yes = {1, 0, 0};
  const DelongComponents single = delong_components(rank_scores(std::vector<double>{1, 2, 0}, one_yes));
  EXPECT_TRUE(std::isnan(delong_interval(single, 0.95).low));
  EXPECT_EQ(delong_interval(single, 0.95).value, 0.5);
  const std::vector<std::int8_t> no_yes = {0, 0, 0};
  const DelongComponents none = delong_components(rank_scores(std::vector<double>{1, 2, 0}, no_yes));
  EXPECT_TRUE(std::isnan(none.auroc));
  EXPECT_TRUE(std::isnan(delong_difference(none, none, 0.95).p));
  EXPECT_PILLAR_ERROR(delong_difference(parted, single, 0.95), ErrorCategory::usage,
                      HasSubstr("same studies"));
}

TEST(Delong, QuantilesOfTheNormalDistribution) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-9);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-9);
  EXPECT_NEAR(normal_quantile(0.0001), -3.719016485455709, 1e-8);
  EXPECT_PILLAR_ERROR(normal_quantile(1), ErrorCategory::usage, HasSubstr("quantile"));
}

}  // namespace
}  // namespace pillar
