#include "pillar/metrics/label_quality.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include "metrics/undefined.h"

#include <array>
#include <cmath>

namespace pillar {
namespace {

// The four cells, as counts or sums of weights.
struct QualityCells {
  double true_positives = 0, false_positives = 0, true_negatives = 0, false_negatives = 0;

  void add(const ReviewedLabel& label, double weight) {
    double& cell = label.predicted ? (label.reviewed ? true_positives : false_positives)
                                   : (label.reviewed ? false_negatives : true_negatives);
    cell += weight;
  }
};

constexpr std::size_t kRates = 7;
// Accuracy, sensitivity, specificity, PPV, NPV, F1, kappa.
using RateValues = std::array<double, kRates>;
constexpr std::array<Interval LabelRates::*, kRates> kRateMembers = {
    &LabelRates::accuracy, &LabelRates::sensitivity, &LabelRates::specificity, &LabelRates::ppv,
    &LabelRates::npv,      &LabelRates::f1,          &LabelRates::kappa};

double share(double part, double whole) {
  return whole > 0 ? part / whole : kUndefined;
}

RateValues rate_values(const QualityCells& c) {
  const double all = c.true_positives + c.false_positives + c.true_negatives + c.false_negatives;
  return {share(c.true_positives + c.true_negatives, all),
          share(c.true_positives, c.true_positives + c.false_negatives),
          share(c.true_negatives, c.true_negatives + c.false_positives),
          share(c.true_positives, c.true_positives + c.false_positives),
          share(c.true_negatives, c.true_negatives + c.false_negatives),
          share(2 * c.true_positives, 2 * c.true_positives + c.false_positives + c.false_negatives),
          cohen_kappa(c.true_positives, c.false_positives, c.false_negatives, c.true_negatives)};
}

// Item indices by the label's answer, each of which is drawn among itself.
std::array<std::vector<std::size_t>, 2> strata_of(std::span<const ReviewedLabel> labels) {
  std::array<std::vector<std::size_t>, 2> strata;
  for (std::size_t i = 0; i < labels.size(); ++i) strata[labels[i].predicted ? 1 : 0].push_back(i);
  return strata;
}

struct QualityReplicates {
  std::array<std::vector<double>, kRates> unweighted, weighted;
};

QualityReplicates quality_replicates(std::span<const ReviewedLabel> labels, const BootstrapOptions& options) {
  const auto strata = strata_of(labels);
  QualityReplicates replicates;
  for (std::int64_t replicate = 0; replicate < options.replicates; ++replicate) {
    QualityCells unweighted, weighted;
    for (std::size_t stratum = 0; stratum < 2; ++stratum) {
      const std::uint64_t seed = mix_seed({options.seed, stratum});
      for (const std::uint32_t unit :
           drawn_units(seed, replicate, static_cast<std::int64_t>(strata[stratum].size()))) {
        const ReviewedLabel& label = labels[strata[stratum][unit]];
        unweighted.add(label, 1);
        weighted.add(label, label.weight);
      }
    }
    const RateValues once = rate_values(unweighted), by_weight = rate_values(weighted);
    for (std::size_t i = 0; i < kRates; ++i) {
      replicates.unweighted[i].push_back(once[i]);
      replicates.weighted[i].push_back(by_weight[i]);
    }
  }
  return replicates;
}

// The quantile 1 - `tail` of the standard normal distribution, by bisection of erfc().
double normal_quantile(double tail) {
  double low = 0, high = 40;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > tail ? low : high) = middle;
  }
  return low;
}

// Wilson's interval of a share of `trials`, which need not be whole.
Interval share_interval(double part, double trials, double confidence) {
  if (!(trials > 0) || std::isnan(part)) return {kUndefined, kUndefined, kUndefined};
  const double z = normal_quantile((1 - confidence) / 2), n = trials;
  const double middle = part + z * z / (2 * n);
  const double width = z * std::sqrt(part * (1 - part) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  // At the ends one limit is the end itself, which rounding must not miss.
  return {part, part > 0 ? std::max(0.0, (middle - width) / scale) : 0,
          part < 1 ? std::min(1.0, (middle + width) / scale) : 1};
}

// How many items of equal weight tell as much: (sum of weights)^2 / sum of their squares.
struct EffectiveCount {
  double weights = 0, squares = 0;
  void add(double weight) {
    weights += weight;
    squares += weight * weight;
  }
  double count() const { return squares > 0 ? weights * weights / squares : 0; }
};

// Of accuracy, sensitivity, specificity, PPV and NPV, the first five rates.
void set_share_intervals(LabelRates& rates, std::span<const ReviewedLabel> labels, bool by_weight,
                         double confidence) {
  std::array<EffectiveCount, 5> counts;
  for (const ReviewedLabel& label : labels) {
    const double weight = by_weight ? label.weight : 1;
    counts[0].add(weight);
    counts[label.reviewed ? 1 : 2].add(weight);
    counts[label.predicted ? 3 : 4].add(weight);
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    Interval& rate = rates.*kRateMembers[i];
    rate = share_interval(rate.value, counts[i].count(), confidence);
  }
}

}  // namespace

Interval wilson_interval(std::int64_t successes, std::int64_t trials, double confidence) {
  const auto n = static_cast<double>(trials);
  return share_interval(trials > 0 ? static_cast<double>(successes) / n : kUndefined, n, confidence);
}

double cohen_kappa(double both, double first_only, double second_only, double neither) {
  const double all = both + first_only + second_only + neither;
  if (!(all > 0)) return kUndefined;
  const double observed = (both + neither) / all;
  const double first = (both + first_only) / all, second = (both + second_only) / all;
  const double by_chance = first * second + (1 - first) * (1 - second);
  return by_chance < 1 ? (observed - by_chance) / (1 - by_chance) : kUndefined;
}

LabelQuality label_quality(std::span<const ReviewedLabel> labels, const BootstrapOptions& bootstrap) {
  check_bootstrap_options(bootstrap);
  LabelQuality quality;
  QualityCells unweighted, weighted;
  for (const ReviewedLabel& label : labels) {
    if (!(label.weight > 0) || !std::isfinite(label.weight))
      fail(ErrorCategory::input, "a sampling weight of {} is not above 0", label.weight);
    unweighted.add(label, 1);
    weighted.add(label, label.weight);
  }
  quality.items = static_cast<std::int64_t>(labels.size());
  quality.true_positives = static_cast<std::int64_t>(unweighted.true_positives);
  quality.false_positives = static_cast<std::int64_t>(unweighted.false_positives);
  quality.true_negatives = static_cast<std::int64_t>(unweighted.true_negatives);
  quality.false_negatives = static_cast<std::int64_t>(unweighted.false_negatives);
  quality.prevalence = share(weighted.true_positives + weighted.false_negatives,
                             weighted.true_positives + weighted.false_positives + weighted.true_negatives +
                                 weighted.false_negatives);
  const RateValues once = rate_values(unweighted), by_weight = rate_values(weighted);
  const QualityReplicates replicates = quality_replicates(labels, bootstrap);
  for (std::size_t i = 0; i < kRates; ++i) {
    quality.unweighted.*kRateMembers[i] =
        percentile_interval(once[i], replicates.unweighted[i], bootstrap.confidence);
    quality.weighted.*kRateMembers[i] =
        percentile_interval(by_weight[i], replicates.weighted[i], bootstrap.confidence);
  }
  set_share_intervals(quality.unweighted, labels, false, bootstrap.confidence);
  set_share_intervals(quality.weighted, labels, true, bootstrap.confidence);
  return quality;
}

}  // namespace pillar
