#include "pillar/metrics/label_noise.h"

#include "pillar/core/csv.h"
#include "pillar/core/random.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double kLeastShare = 1e-6;  // shares of 0 and 1 have no logit

double log_odds(double share) {
  const double inside = std::clamp(share, kLeastShare, 1 - kLeastShare);
  return std::log(inside / (1 - inside));
}

double from_log_odds(double value) {
  return 1 / (1 + std::exp(-value));
}

// A normal number, by Box and Muller's transform.
double normal_draw(SplitMix64& random) {
  const double u = 1 - unit_interval(random.next()), v = unit_interval(random.next());
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

// A share with a spread on the logit scale: half of the interval's width there, in units of the normal
// quantile that the interval's ends are.
class DrawnShare {
 public:
  DrawnShare(const Interval& interval, double quantile)
      : middle_(log_odds(interval.value)),
        spread_(std::isfinite(interval.low) && std::isfinite(interval.high)
                    ? (log_odds(interval.high) - log_odds(interval.low)) / (2 * quantile)
                    : 0) {}
  double draw(SplitMix64& random) const { return from_log_odds(middle_ + spread_ * normal_draw(random)); }

 private:
  double middle_, spread_;
};

// z with P(|N| < z) = confidence, by bisection.
double two_sided_quantile(double confidence) {
  double low = 0, high = 40;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::numbers::sqrt2) < confidence ? low : high) = middle;
  }
  return low;
}

Interval corrected_interval(const NoisyQuestion& question, const LabelNoiseOptions& options,
                            std::uint64_t seed) {
  const double value = auroc_without_noise(question.observed.value, question.truth);
  const double quantile = two_sided_quantile(options.confidence);
  const DrawnShare auroc(question.observed, quantile), sensitivity(question.sensitivity, quantile),
      specificity(question.specificity, quantile);
  SplitMix64 random{seed};
  std::vector<double> draws;
  for (std::int64_t i = 0; i < options.draws; ++i) {
    const double drawn = auroc.draw(random), sens = sensitivity.draw(random), spec = specificity.draw(random);
    draws.push_back(auroc_without_noise(drawn, noisy_labels(sens, spec, question.label_share)));
  }
  return percentile_interval(value, draws, options.confidence);
}

const LabelQuality* quality_named(const std::vector<NamedQuality>& list, const std::string& name,
                                  std::int64_t fewest_items) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const NamedQuality& quality) {
    return quality.name == name && quality.quality.items >= fewest_items;
  });
  return found == list.end() ? nullptr : &found->quality;
}

std::string noise_cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string();
}

}  // namespace

NoisyLabels noisy_labels(double sensitivity, double specificity, double label_share) {
  const double informedness = sensitivity + specificity - 1;
  const double prevalence = (label_share + specificity - 1) / informedness;
  if (!(informedness > 0) || !(prevalence > 0 && prevalence < 1) || !(label_share > 0 && label_share < 1))
    return {kUndefined, kUndefined, kUndefined};
  return {prevalence, sensitivity * prevalence / label_share,
          specificity * (1 - prevalence) / (1 - label_share)};
}

double auroc_under_noise(double true_auroc, const NoisyLabels& labels) {
  return 0.5 + (labels.ppv + labels.npv - 1) * (true_auroc - 0.5);
}

double auroc_without_noise(double observed_auroc, const NoisyLabels& labels) {
  const double slope = labels.ppv + labels.npv - 1;
  if (!(slope > 0)) return kUndefined;
  return std::clamp(0.5 + (observed_auroc - 0.5) / slope, 0.0, 1.0);
}

std::vector<NoisyQuestion> correct_for_label_noise(const Evaluation& evaluation, const LabelScore& score,
                                                   const LabelNoiseOptions& options) {
  std::vector<NoisyQuestion> questions;
  for (const QuestionEvaluation& evaluated : evaluation.questions) {
    if (std::isnan(evaluated.auroc.value)) continue;
    NoisyQuestion question;
    question.question = evaluated.question;
    question.category = evaluated.category;
    question.observed = evaluated.auroc;
    const LabelQuality* quality = quality_named(score.questions, evaluated.question, options.fewest_items);
    question.quality_of = "question";
    if (quality == nullptr) {
      quality = quality_named(score.categories, evaluated.category, options.fewest_items);
      question.quality_of = "category";
    }
    if (quality == nullptr) {
      quality = &score.overall;
      question.quality_of = "all questions";
    }
    question.sensitivity = quality->weighted.sensitivity;
    question.specificity = quality->weighted.specificity;
    const auto positives = static_cast<double>(evaluated.num_positive);
    question.label_share = positives / (positives + static_cast<double>(evaluated.num_negative));
    question.truth =
        noisy_labels(question.sensitivity.value, question.specificity.value, question.label_share);
    question.reachable = auroc_under_noise(1, question.truth);
    question.corrected = corrected_interval(question, options, mix_seed({options.seed, questions.size()}));
    questions.push_back(std::move(question));
  }
  return questions;
}

void write_label_noise(const std::filesystem::path& csv, const std::vector<NoisyQuestion>& questions) {
  CsvTable table;
  table.header = {"question",        "category",        "auroc",         "auroc_low",     "auroc_high",
                  "label_share",     "quality_of",      "sensitivity",   "specificity",   "true_prevalence",
                  "reachable_auroc", "corrected_auroc", "corrected_low", "corrected_high"};
  for (const NoisyQuestion& q : questions) {
    table.rows.push_back({q.question, q.category, noise_cell(q.observed.value), noise_cell(q.observed.low),
                          noise_cell(q.observed.high), noise_cell(q.label_share), q.quality_of,
                          noise_cell(q.sensitivity.value), noise_cell(q.specificity.value),
                          noise_cell(q.truth.prevalence), noise_cell(q.reachable),
                          noise_cell(q.corrected.value), noise_cell(q.corrected.low),
                          noise_cell(q.corrected.high)});
  }
  write_csv(csv, table);
}

}  // namespace pillar
