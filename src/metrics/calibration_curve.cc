#include "pillar/metrics/calibration_curve.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/metrics/metrics.h"

#include "metrics/curve_limits.h"
#include "metrics/tie_groups.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

// The studies whose answers are known, of both classes.
RankedScores both_classes(std::span<const double> scores, std::span<const std::int8_t> answers) {
  RankedScores ranked = rank_scores(scores, answers);
  if (ranked.scores.empty()) fail(ErrorCategory::input, "no study has a known answer to calibrate with");
  if (ranked.positives == 0 || ranked.negatives == 0) {
    fail(ErrorCategory::input, "a calibration needs studies of both answers, and all {} known are {}",
         ranked.scores.size(), ranked.positives == 0 ? "no" : "yes");
  }
  for (const double score : {ranked.scores.front(), ranked.scores.back()}) {
    if (std::abs(score) > kMostCurveScore)
      fail(ErrorCategory::input, "a score of {} is too large to calibrate with", score);
  }
  return ranked;
}

// log(1 + exp(x)) without overflow.
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double sigmoid_of(double x) {
  const double small = std::exp(-std::abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}

// Scores moved and scaled to -1 to 1, so that Newton's equations are well conditioned, and what each answer
// counts as.
struct PlattSamples {
  std::vector<double> scores, targets;
  double middle = 0, spread = 0;  // a score was middle + spread * scores[i]
};

PlattSamples platt_samples(const RankedScores& ranked) {
  PlattSamples samples;
  samples.middle = (ranked.scores.front() + ranked.scores.back()) / 2;
  samples.spread = (ranked.scores.front() - ranked.scores.back()) / 2;
  const auto positives = static_cast<double>(ranked.positives);
  const auto negatives = static_cast<double>(ranked.negatives);
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    samples.scores.push_back(samples.spread > 0 ? (ranked.scores[i] - samples.middle) / samples.spread : 0);
    samples.targets.push_back(ranked.answers[i] == 1 ? (positives + 1) / (positives + 2)
                                                     : 1 / (negatives + 2));
  }
  return samples;
}

// The mean cross-entropy at a curve.
double platt_loss(const PlattSamples& samples, const PlattCurve& curve) {
  double sum = 0;
  for (std::size_t i = 0; i < samples.scores.size(); ++i) {
    const double x = curve.slope * samples.scores[i] + curve.intercept;
    sum += softplus(x) - samples.targets[i] * x;
  }
  return sum / static_cast<double>(samples.scores.size());
}

// First and second derivatives of the mean cross-entropy by slope and intercept.
struct PlattDerivatives {
  double slope = 0, intercept = 0;
  double slope_slope = 0, slope_intercept = 0, intercept_intercept = 0;
};

PlattDerivatives platt_derivatives(const PlattSamples& samples, const PlattCurve& curve) {
  PlattDerivatives d;
  const double share = 1 / static_cast<double>(samples.scores.size());
  for (std::size_t i = 0; i < samples.scores.size(); ++i) {
    const double score = samples.scores[i];
    const double p = sigmoid_of(curve.slope * score + curve.intercept);
    const double error = share * (p - samples.targets[i]), weight = share * p * (1 - p);
    d.slope += error * score;
    d.intercept += error;
    d.slope_slope += weight * score * score;
    d.slope_intercept += weight * score;
    d.intercept_intercept += weight;
  }
  return d;
}

// Newton's step. A little is added to the diagonal, so that it exists where all scores are the same, too.
PlattCurve newton_step(const PlattDerivatives& d) {
  constexpr double kRidge = 1e-12;
  const double ss = d.slope_slope + kRidge, ii = d.intercept_intercept + kRidge;
  const double determinant = ss * ii - d.slope_intercept * d.slope_intercept;
  return {-(ii * d.slope - d.slope_intercept * d.intercept) / determinant,
          -(ss * d.intercept - d.slope_intercept * d.slope) / determinant};
}

// The curve of the scaled scores with the smallest loss, from `curve` on. Steps are halved until the loss
// falls enough; where no step makes it fall, the minimum is reached as well as doubles tell.
PlattCurve minimum_from(const PlattSamples& samples, PlattCurve curve) {
  constexpr int kMostSteps = 100;
  constexpr double kFlat = 1e-12, kSmallestStep = 1e-10, kEnough = 1e-4;
  for (int i = 0; i < kMostSteps; ++i) {
    const PlattDerivatives d = platt_derivatives(samples, curve);
    if (std::abs(d.slope) < kFlat && std::abs(d.intercept) < kFlat) return curve;
    const PlattCurve step = newton_step(d);
    const double slant = d.slope * step.slope + d.intercept * step.intercept;
    const double loss = platt_loss(samples, curve);
    double length = 1;
    for (; length >= kSmallestStep; length /= 2) {
      const PlattCurve next = {curve.slope + length * step.slope, curve.intercept + length * step.intercept};
      if (platt_loss(samples, next) > loss + kEnough * length * slant) continue;
      curve = next;
      break;
    }
    if (length < kSmallestStep) return curve;
  }
  return curve;
}

// Neighbouring scores that share a probability.
struct PooledBlock {
  double least = 0, most = 0;  // scores
  std::int64_t positives = 0, studies = 0;
  double mean() const { return static_cast<double>(positives) / static_cast<double>(studies); }
};

// By falling score, with falling means.
std::vector<PooledBlock> pooled_blocks(const RankedScores& ranked) {
  std::vector<PooledBlock> blocks;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    const double score = ranked.scores[group.begin];
    PooledBlock block = {score, score, group.positives, group.positives + group.negatives};
    while (!blocks.empty() && blocks.back().mean() <= block.mean()) {
      block.most = blocks.back().most;
      block.positives += blocks.back().positives;
      block.studies += blocks.back().studies;
      blocks.pop_back();
    }
    blocks.push_back(block);
  });
  return blocks;
}

}  // namespace

const char* to_string(CalibrationMethod method) noexcept {
  return method == CalibrationMethod::platt ? "platt" : "isotonic";
}

CalibrationMethod parse_calibration_method(std::string_view text) {
  for (const CalibrationMethod method : {CalibrationMethod::platt, CalibrationMethod::isotonic})
    if (text == to_string(method)) return method;
  fail(ErrorCategory::usage, "unknown calibration '{}'; platt or isotonic", printable(text));
}

PlattCurve fit_platt(std::span<const double> scores, std::span<const std::int8_t> answers) {
  const RankedScores ranked = both_classes(scores, answers);
  const PlattSamples samples = platt_samples(ranked);
  double mean = 0;
  for (const double target : samples.targets) mean += target / static_cast<double>(samples.targets.size());
  const PlattCurve constant = {0, std::log(mean / (1 - mean))};
  const PlattCurve scaled = minimum_from(samples, constant);
  if (samples.spread == 0 || scaled.slope <= 0) return constant;
  const PlattCurve curve = {scaled.slope / samples.spread,
                            scaled.intercept - scaled.slope / samples.spread * samples.middle};
  if (curve.slope > kMostCurveScore || !std::isfinite(curve.intercept))
    fail(ErrorCategory::input, "scores from {} to {} are too close together to calibrate with",
         ranked.scores.back(), ranked.scores.front());
  return curve;
}

IsotonicCurve fit_isotonic(std::span<const double> scores, std::span<const std::int8_t> answers) {
  std::vector<PooledBlock> blocks = pooled_blocks(both_classes(scores, answers));
  std::reverse(blocks.begin(), blocks.end());
  IsotonicCurve curve;
  for (const PooledBlock& block : blocks) {
    curve.scores.push_back(block.least);
    curve.probabilities.push_back(block.mean());
    if (block.most == block.least) continue;
    curve.scores.push_back(block.most);
    curve.probabilities.push_back(block.mean());
  }
  return curve;
}

double probability_at(const PlattCurve& curve, double score) noexcept {
  return sigmoid_of(curve.slope * score + curve.intercept);
}

double probability_at(const IsotonicCurve& curve, double score) noexcept {
  const auto above = std::upper_bound(curve.scores.begin(), curve.scores.end(), score);
  if (above == curve.scores.begin()) return curve.probabilities.front();
  if (above == curve.scores.end()) return curve.probabilities.back();
  const auto i = static_cast<std::size_t>(above - curve.scores.begin());
  const double share = (score - curve.scores[i - 1]) / (curve.scores[i] - curve.scores[i - 1]);
  const double low = curve.probabilities[i - 1], high = curve.probabilities[i];
  return std::clamp(low + (high - low) * share, low, high);
}

}  // namespace pillar
