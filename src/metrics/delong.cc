#include "pillar/metrics/delong.h"

#include "pillar/core/fail.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pillar {
namespace {

// Places in the ranking, by rising index of their studies.
std::vector<std::size_t> places_by_study(const RankedScores& ranked) {
  std::vector<std::size_t> places(ranked.studies.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(),
            [&](std::size_t a, std::size_t b) { return ranked.studies[a] < ranked.studies[b]; });
  return places;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Unbiased; NaN for fewer than two pairs.
double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2) return kUndefined;
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double covariance_of_aurocs(const DelongComponents& a, const DelongComponents& b) {
  return covariance(a.of_yes, b.of_yes) / static_cast<double>(a.of_yes.size()) +
         covariance(a.of_no, b.of_no) / static_cast<double>(a.of_no.size());
}

Interval normal_interval(double value, double variance, double confidence, double least) {
  const double reach = normal_quantile((1 + confidence) / 2) * std::sqrt(std::max(variance, 0.0));
  if (std::isnan(variance)) return {value, kUndefined, kUndefined};
  return {value, std::max(value - reach, least), std::min(value + reach, 1.0)};
}

}  // namespace

DelongComponents delong_components(const RankedScores& ranked) {
  DelongComponents components;
  components.auroc = auroc(ranked);
  if (ranked.positives == 0 || ranked.negatives == 0) return components;
  const auto positives = static_cast<double>(ranked.positives);
  const auto negatives = static_cast<double>(ranked.negatives);
  std::vector<double> shares(ranked.scores.size());  // by place
  double yes_above = 0, no_above = 0;                // scores that are higher than the group's
  for (std::size_t begin = 0; begin < shares.size();) {
    std::size_t end = begin;
    double yes_here = 0, no_here = 0;
    for (; end < shares.size() && ranked.scores[end] == ranked.scores[begin]; ++end)
      ++(ranked.answers[end] == 1 ? yes_here : no_here);
    for (std::size_t i = begin; i < end; ++i) {
      shares[i] = ranked.answers[i] == 1 ? (negatives - no_above - no_here / 2) / negatives
                                         : (yes_above + yes_here / 2) / positives;
    }
    yes_above += yes_here;
    no_above += no_here;
    begin = end;
  }
  for (const std::size_t place : places_by_study(ranked))
    (ranked.answers[place] == 1 ? components.of_yes : components.of_no).push_back(shares[place]);
  return components;
}

double delong_variance(const DelongComponents& components) {
  if (components.of_yes.empty()) return kUndefined;
  return covariance_of_aurocs(components, components);
}

Interval delong_interval(const DelongComponents& components, double confidence) {
  return normal_interval(components.auroc, delong_variance(components), confidence, 0);
}

DelongDifference delong_difference(const DelongComponents& first, const DelongComponents& second,
                                   double confidence) {
  if (first.of_yes.size() != second.of_yes.size() || first.of_no.size() != second.of_no.size())
    fail(ErrorCategory::usage, "DeLong's test takes two scores of the same studies");
  const double value = second.auroc - first.auroc;
  if (first.of_yes.empty()) return {{value, kUndefined, kUndefined}, kUndefined};
  const double variance =
      delong_variance(first) + delong_variance(second) - 2 * covariance_of_aurocs(first, second);
  DelongDifference result{normal_interval(value, variance, confidence, -1), kUndefined};
  if (std::isnan(variance)) return result;
  // Both rank every pair alike, or the difference has no variance at all.
  if (variance <= 0)
    result.p = value == 0 ? 1 : 0;
  else
    result.p = std::erfc(std::abs(value) / std::sqrt(2 * variance));
  return result;
}

double normal_quantile(double probability) {
  if (!(probability > 0 && probability < 1))
    fail(ErrorCategory::usage, "a quantile of {}: not between 0 and 1", probability);
  double low = -40, high = 40;
  while (high - low > 1e-10) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace pillar
