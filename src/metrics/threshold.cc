// The threshold that parts yes from no.
#include "pillar/core/fail.h"
#include "pillar/metrics/classification.h"

#include "metrics/question_evaluation.h"

namespace pillar {
namespace {

constexpr ThresholdRule kThresholdRules[] = {ThresholdRule::half, ThresholdRule::f1, ThresholdRule::youden};

// How good it is to call the first `true_positives` + `false_positives` of a ranking yes.
double goodness(ThresholdRule rule, const RankedScores& ranked, std::int64_t true_positives,
                std::int64_t false_positives) {
  const auto positives = static_cast<double>(ranked.positives),
             negatives = static_cast<double>(ranked.negatives);
  const auto right = static_cast<double>(true_positives), wrong = static_cast<double>(false_positives);
  if (rule == ThresholdRule::f1) return 2 * right / (positives + right + wrong);
  return right / positives - wrong / negatives;
}

}  // namespace

const char* to_string(ThresholdRule rule) noexcept {
  switch (rule) {
    case ThresholdRule::half:
      return "half";
    case ThresholdRule::f1:
      return "f1";
    case ThresholdRule::youden:
      return "youden";
  }
  return "?";
}

ThresholdRule parse_threshold_rule(const std::string& name) {
  for (const ThresholdRule rule : kThresholdRules)
    if (name == to_string(rule)) return rule;
  fail(ErrorCategory::usage, "'{}' is no rule for thresholds: half, f1 or youden", name);
}

std::optional<double> choose_threshold(const RankedScores& ranked, ThresholdRule rule) {
  if (rule == ThresholdRule::half) return 0.5;
  if (ranked.positives == 0 || ranked.negatives == 0) return std::nullopt;
  std::int64_t true_positives = 0, false_positives = 0;
  double best = -1, threshold = 0;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    (ranked.answers[i] == 1 ? true_positives : false_positives) += 1;
    const bool is_last = i + 1 == ranked.scores.size();
    if (!is_last && ranked.scores[i + 1] == ranked.scores[i]) continue;
    const double value = goodness(rule, ranked, true_positives, false_positives);
    if (value <= best) continue;
    best = value;
    // Below the lowest score there is no neighbour; 0 says of probabilities that everything is yes.
    threshold = is_last ? (ranked.scores[i] > 0 ? 0.0 : ranked.scores[i] - 1)
                        : (ranked.scores[i] + ranked.scores[i + 1]) / 2;
  }
  return threshold;
}

std::vector<std::optional<double>> choose_thresholds(const Predictions& predictions, ThresholdRule rule) {
  check_predictions(predictions);
  std::vector<std::optional<double>> thresholds;
  for (std::int64_t q = 0; q < std::ssize(predictions.questions); ++q)
    thresholds.push_back(choose_threshold(rank_probabilities(predictions, q), rule));
  return thresholds;
}

}  // namespace pillar
