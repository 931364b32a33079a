#include "pillar/core/fail.h"
#include "pillar/metrics/metrics.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar {
namespace {

void check_probabilities(const RankedScores& ranked) {
  for (const double score : {ranked.scores.front(), ranked.scores.back()})
    if (score < 0 || score > 1) fail(ErrorCategory::input, "{} is no probability from 0 to 1", score);
}

}  // namespace

double brier_score(const RankedScores& ranked) {
  if (ranked.scores.empty()) return kUndefined;
  check_probabilities(ranked);
  double sum = 0;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    const double difference = ranked.scores[i] - ranked.answers[i];
    sum += difference * difference;
  }
  return sum / static_cast<double>(ranked.scores.size());
}

std::vector<ReliabilityBin> reliability_bins(const RankedScores& ranked, int bins) {
  if (bins < 1) fail(ErrorCategory::usage, "reliability needs at least one bin, not {}", bins);
  if (ranked.scores.empty()) return {};
  check_probabilities(ranked);
  std::vector<ReliabilityBin> table(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    const auto bin = std::min(static_cast<std::size_t>(ranked.scores[i] * bins), table.size() - 1);
    table[bin].predicted += ranked.scores[i];
    table[bin].observed += ranked.answers[i];
    ++table[bin].count;
  }
  std::erase_if(table, [](const ReliabilityBin& bin) { return bin.count == 0; });
  for (ReliabilityBin& bin : table) {
    bin.predicted /= static_cast<double>(bin.count);
    bin.observed /= static_cast<double>(bin.count);
  }
  return table;
}

double expected_calibration_error(const RankedScores& ranked, int bins) {
  if (ranked.scores.empty()) return kUndefined;
  double sum = 0;
  for (const ReliabilityBin& bin : reliability_bins(ranked, bins))
    sum += static_cast<double>(bin.count) * std::abs(bin.observed - bin.predicted);
  return sum / static_cast<double>(ranked.scores.size());
}

}  // namespace pillar
