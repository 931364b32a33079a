// How good the scores of one question are, in double. docs/eval.md has every formula.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

// One question's studies by falling score, those whose answer is not known left out.
struct RankedScores {
  std::vector<std::uint32_t> studies;  // indices into what was ranked; equal scores by rising index
  std::vector<double> scores;          // falling
  std::vector<std::int8_t> answers;    // 1 yes, 0 no
  std::int64_t positives = 0, negatives = 0;
};

// `answers`: 1 yes, 0 no, -1 not known. Throws Error(input) for a score that is not finite (of a known answer
// or not), another answer, lengths that differ.
RankedScores rank_scores(std::span<const double> scores, std::span<const std::int8_t> answers);

// Mann and Whitney's statistic: the share of pairs of a yes and a no in which the yes scores higher, an equal
// score counting half. NaN where there is one class only.
double auroc(const RankedScores& ranked);

// Sum over distinct scores of the rise in recall times the precision at that score, as scikit-learn has it.
// NaN where there is one class only.
double average_precision(const RankedScores& ranked);

struct OperatingPoint {
  double sensitivity = 0;  // NaN where there is one class only
  double threshold = 0;    // yes: score >= threshold; NaN where nothing is said to be yes
};
// The highest sensitivity of all thresholds whose specificity is at least `specificity`; of several, the
// highest threshold.
OperatingPoint sensitivity_at_specificity(const RankedScores& ranked, double specificity);

struct RocPoint {
  double false_positive_rate = 0, true_positive_rate = 0;
};
// From (0,0) to (1,1). Points inside a straight run are left out; if more than `max_points` remain, as many
// are kept as lie evenly along the curve. Empty where there is one class only.
std::vector<RocPoint> roc_points(const RankedScores& ranked, std::int64_t max_points = 200);

// A yes is a score above the threshold, as the public evaluator has it. A rate whose denominator is 0 is 0.
struct Confusion {
  std::int64_t true_positives = 0, false_positives = 0, true_negatives = 0, false_negatives = 0;
  double accuracy() const noexcept;
  double precision() const noexcept;
  double recall() const noexcept;
  double specificity() const noexcept;
  double f1() const noexcept;
};
Confusion confusion(const RankedScores& ranked, double threshold = 0.5);

struct ReliabilityBin {
  double predicted = 0;  // mean probability
  double observed = 0;   // share of yes
  std::int64_t count = 0;
};

// Scores must be probabilities: Error(input) where one is outside 0 to 1. NaN, or no bins, where there are no
// studies.
double brier_score(const RankedScores& ranked);
// Bins of equal width that hold at least one study; a probability on an edge belongs to the bin above it.
std::vector<ReliabilityBin> reliability_bins(const RankedScores& ranked, int bins = 10);
// Mean over studies of |observed - predicted| of their bins.
double expected_calibration_error(const RankedScores& ranked, int bins = 10);

// Harrell's C: of all pairs in which one's event comes before the other's event or end of follow-up (at equal
// times: before the end), the share in which it has the higher risk; an equal risk counts half. NaN where
// there is no such pair. Throws Error(input) for NaN and for lengths that differ. n log n.
double concordance_index(std::span<const double> times, std::span<const std::uint8_t> events,
                         std::span<const double> risks);

}  // namespace pillar
