// Yes or no at a threshold, with intervals.
#include "pillar/core/fail.h"
#include "pillar/metrics/classification.h"

#include "metrics/question_evaluation.h"
#include "metrics/replicate_counts.h"
#include "metrics/shared/replicate_mean.h"
#include "metrics/undefined.h"

namespace pillar {
namespace {

enum Cell : std::uint32_t { kTruePositive, kFalsePositive, kTrueNegative, kFalseNegative, kCells };

struct Rates {
  double f1 = kUndefined, sensitivity = kUndefined, specificity = kUndefined;
};

double share(double part, double whole) {
  return whole > 0 ? part / whole : kUndefined;
}

Rates rates_of(const Confusion& c) {
  const auto right = static_cast<double>(c.true_positives), spared = static_cast<double>(c.true_negatives);
  const auto missed = static_cast<double>(c.false_negatives), wrong = static_cast<double>(c.false_positives);
  return {share(2 * right, 2 * right + wrong + missed), share(right, right + missed),
          share(spared, spared + wrong)};
}

struct ReplicateRates {
  std::vector<double> f1, sensitivity, specificity;
};

ReplicateRates replicate_rates(const RankedScores& ranked, double threshold, const ResampleUnits& units,
                               const Resamples& resamples) {
  std::vector<std::uint32_t> unit_n, cell_n;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    const bool said = ranked.scores[i] > threshold, is_yes = ranked.answers[i] == 1;
    unit_n.push_back(units.of_study[ranked.studies[i]]);
    cell_n.push_back(said ? (is_yes ? kTruePositive : kFalsePositive)
                          : (is_yes ? kFalseNegative : kTrueNegative));
  }
  const std::vector<std::int64_t> counts = replicate_counts(unit_n, cell_n, kCells, resamples);
  ReplicateRates rates;
  for (std::size_t r = 0; r < static_cast<std::size_t>(resamples.replicates()); ++r) {
    const std::int64_t* own = counts.data() + r * kCells;
    const Rates replicate =
        rates_of({own[kTruePositive], own[kFalsePositive], own[kTrueNegative], own[kFalseNegative]});
    rates.f1.push_back(replicate.f1);
    rates.sensitivity.push_back(replicate.sensitivity);
    rates.specificity.push_back(replicate.specificity);
  }
  return rates;
}

}  // namespace

ThresholdedEvaluation evaluate_at_thresholds(const Predictions& predictions, ThresholdRule rule,
                                             std::span<const std::optional<double>> thresholds_q,
                                             const BootstrapOptions& bootstrap,
                                             const PatientTable& patients) {
  check_predictions(predictions);
  if (!predictions.probabilities)
    fail(ErrorCategory::usage, "thresholds are of probabilities, these are other scores");
  if (thresholds_q.size() != predictions.questions.size()) {
    fail(ErrorCategory::usage, "{} thresholds for {} questions", thresholds_q.size(),
         predictions.questions.size());
  }
  const ResampleUnits units = resample_units(predictions.accessions, patients);
  const Resamples resamples(units.count, bootstrap);
  const double confidence = bootstrap.confidence;
  ThresholdedEvaluation evaluation;
  evaluation.rule = rule;
  ReplicateMean f1;
  for (std::size_t q = 0; q < thresholds_q.size(); ++q) {
    const RankedScores ranked = rank_probabilities(predictions, static_cast<std::int64_t>(q));
    ThresholdedQuestion question;
    question.question = predictions.questions[q];
    question.threshold = thresholds_q[q].value_or(0.5);
    question.is_chosen = rule != ThresholdRule::half && thresholds_q[q].has_value();
    question.confusion = confusion(ranked, question.threshold);
    const Rates rates = rates_of(question.confusion);
    const ReplicateRates replicates = replicate_rates(ranked, question.threshold, units, resamples);
    question.f1 = percentile_interval(rates.f1, replicates.f1, confidence);
    question.sensitivity = percentile_interval(rates.sensitivity, replicates.sensitivity, confidence);
    question.specificity = percentile_interval(rates.specificity, replicates.specificity, confidence);
    if (ranked.positives > 0 && ranked.negatives > 0) f1.add(rates.f1, replicates.f1);
    evaluation.questions.push_back(std::move(question));
  }
  evaluation.f1 = f1.interval(confidence);
  return evaluation;
}

}  // namespace pillar
