#include "pillar/core/fail.h"
#include "pillar/metrics/calibration_map.h"
#include "pillar/metrics/metrics.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

constexpr double kLeastProbability = 1e-12;

double logit_of(double probability) {
  const double p = std::clamp(probability, kLeastProbability, 1 - kLeastProbability);
  return std::log(p) - std::log1p(-p);
}

RankedScores ranked_probabilities(std::span<const double> probabilities,
                                  std::span<const std::int8_t> answers) {
  RankedScores ranked = rank_scores(probabilities, answers);
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] < 0 || probabilities[i] > 1)
      fail(ErrorCategory::input, "score {}: {} is no probability from 0 to 1", i, probabilities[i]);
  }
  if (ranked.positives == 0 || ranked.negatives == 0) {
    fail(ErrorCategory::input, "calibration needs both classes, not {} yes and {} no", ranked.positives,
         ranked.negatives);
  }
  return ranked;
}

// log(1 + exp(z)) without overflow.
double log_one_plus_exp(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

struct PlattFit {
  std::vector<double> logits, targets;

  double loss(const PlattMap& map) const {
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double z = map.slope * logits[i] + map.intercept;
      sum += log_one_plus_exp(z) - targets[i] * z;
    }
    return sum;
  }
};

struct PlattSlopes {
  double by_slope = 0, by_intercept = 0;                            // first derivatives
  double slope_slope = 0, slope_intercept = 0, both_intercept = 0;  // second
};

PlattSlopes derivatives(const PlattFit& fit, const PlattMap& map) {
  constexpr double kRidge = 1e-12;
  PlattSlopes d;
  d.slope_slope = d.both_intercept = kRidge;
  for (std::size_t i = 0; i < fit.logits.size(); ++i) {
    const double x = fit.logits[i];
    const double p = 1 / (1 + std::exp(-(map.slope * x + map.intercept)));
    const double error = p - fit.targets[i], weight = p * (1 - p);
    d.by_slope += error * x;
    d.by_intercept += error;
    d.slope_slope += weight * x * x;
    d.slope_intercept += weight * x;
    d.both_intercept += weight;
  }
  return d;
}

}  // namespace

PlattMap fit_platt(std::span<const double> probabilities, std::span<const std::int8_t> answers) {
  const RankedScores ranked = ranked_probabilities(probabilities, answers);
  const auto yes = static_cast<double>(ranked.positives), no = static_cast<double>(ranked.negatives);
  PlattFit fit;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    fit.logits.push_back(logit_of(ranked.scores[i]));
    fit.targets.push_back(ranked.answers[i] == 1 ? (yes + 1) / (yes + 2) : 1 / (no + 2));
  }
  PlattMap map{0, std::log((yes + 1) / (no + 1))};
  double loss = fit.loss(map);
  for (int iteration = 0; iteration < 100; ++iteration) {
    const PlattSlopes d = derivatives(fit, map);
    if (std::abs(d.by_slope) + std::abs(d.by_intercept) < 1e-9 * (yes + no)) break;
    const double determinant = d.slope_slope * d.both_intercept - d.slope_intercept * d.slope_intercept;
    const double slope = -(d.both_intercept * d.by_slope - d.slope_intercept * d.by_intercept) / determinant;
    const double intercept = -(d.slope_slope * d.by_intercept - d.slope_intercept * d.by_slope) / determinant;
    const double descent = d.by_slope * slope + d.by_intercept * intercept;
    double step = 1;
    for (; step > 1e-10; step /= 2) {
      const PlattMap next{map.slope + step * slope, map.intercept + step * intercept};
      const double next_loss = fit.loss(next);
      if (!(next_loss < loss + 1e-4 * step * descent)) continue;
      map = next;
      loss = next_loss;
      break;
    }
    if (step <= 1e-10) break;  // the loss is as low as its digits tell
  }
  return map;
}

IsotonicMap fit_isotonic(std::span<const double> probabilities, std::span<const std::int8_t> answers) {
  const RankedScores ranked = ranked_probabilities(probabilities, answers);
  struct Block {
    double first = 0, last = 0, yes = 0, count = 0;
    double mean() const { return yes / count; }
  };
  std::vector<Block> blocks;
  for (std::size_t i = ranked.scores.size(); i-- > 0;) {  // by rising score
    const double score = ranked.scores[i], yes = ranked.answers[i];
    if (!blocks.empty() && blocks.back().last == score) {
      blocks.back().yes += yes;
      blocks.back().count += 1;
    } else {
      blocks.push_back({score, score, yes, 1});
    }
    const bool tie_goes_on = i > 0 && ranked.scores[i - 1] == score;
    while (!tie_goes_on && blocks.size() > 1 && blocks[blocks.size() - 2].mean() >= blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().last = last.last;
      blocks.back().yes += last.yes;
      blocks.back().count += last.count;
    }
  }
  IsotonicMap map;
  for (const Block& block : blocks) {
    map.x.push_back(block.first);
    map.y.push_back(block.mean());
    if (block.last == block.first) continue;
    map.x.push_back(block.last);
    map.y.push_back(block.mean());
  }
  return map;
}

namespace {

double on_line(const IsotonicMap& map, double x) {
  if (std::isnan(x)) return x;
  if (x <= map.x.front()) return map.y.front();
  if (x >= map.x.back()) return map.y.back();
  const auto above =
      static_cast<std::size_t>(std::upper_bound(map.x.begin(), map.x.end(), x) - map.x.begin());
  const std::size_t below = above - 1;
  const double slope = (map.y[above] - map.y[below]) / (map.x[above] - map.x[below]);
  return map.y[below] + slope * (x - map.x[below]);
}

}  // namespace

double calibrated(const CalibrationMap& map, double probability) {
  if (map.kind == CalibrationKind::isotonic) return on_line(map.isotonic, probability);
  return 1 / (1 + std::exp(-(map.platt.slope * logit_of(probability) + map.platt.intercept)));
}

double calibrated(const std::vector<SybilFold>& folds, double probability) {
  double sum = 0;
  for (const SybilFold& fold : folds)
    sum += on_line(fold.points, std::clamp(fold.coef * probability + fold.intercept, fold.x_min, fold.x_max));
  return sum / static_cast<double>(folds.size());
}

}  // namespace pillar
