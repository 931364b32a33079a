#include "pillar/metrics/metrics.h"

#include "pillar/core/fail.h"

#include "metrics/tie_groups.h"
#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace pillar {
namespace {

bool has_both_classes(const RankedScores& ranked) {
  return ranked.positives > 0 && ranked.negatives > 0;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void check_scores(std::span<const double> scores, std::span<const std::int8_t> answers) {
  if (scores.size() != answers.size())
    fail(ErrorCategory::input, "{} scores, but {} answers", scores.size(), answers.size());
  if (scores.size() > UINT32_MAX) fail(ErrorCategory::input, "{} scores are too many", scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) fail(ErrorCategory::input, "score {} is not finite", i);
    if (answers[i] < -1 || answers[i] > 1)
      fail(ErrorCategory::input, "answer {} is {}, not 1 (yes), 0 (no) or -1 (not known)", i, answers[i]);
  }
}

}  // namespace

RankedScores rank_scores(std::span<const double> scores, std::span<const std::int8_t> answers) {
  check_scores(scores, answers);
  RankedScores ranked;
  ranked.studies.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (answers[i] >= 0) ranked.studies.push_back(static_cast<std::uint32_t>(i));
  std::sort(ranked.studies.begin(), ranked.studies.end(), [&](std::uint32_t a, std::uint32_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  ranked.scores.reserve(ranked.studies.size());
  ranked.answers.reserve(ranked.studies.size());
  for (const std::uint32_t study : ranked.studies) {
    ranked.scores.push_back(scores[study]);
    ranked.answers.push_back(answers[study]);
    ++(answers[study] == 1 ? ranked.positives : ranked.negatives);
  }
  return ranked;
}

double auroc(const RankedScores& ranked) {
  if (!has_both_classes(ranked)) return kUndefined;
  // Twice the pairs in which the no scores higher: whole numbers, so that nothing is rounded but the end.
  double twice_wrong = 0;
  std::int64_t negatives_above = 0;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    twice_wrong +=
        static_cast<double>(group.positives) * static_cast<double>(2 * negatives_above + group.negatives);
    negatives_above += group.negatives;
  });
  const double pairs = static_cast<double>(ranked.positives) * static_cast<double>(ranked.negatives);
  return 1 - twice_wrong / (2 * pairs);
}

double average_precision(const RankedScores& ranked) {
  if (!has_both_classes(ranked)) return kUndefined;
  double sum = 0;
  std::int64_t positives = 0;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    positives += group.positives;
    sum += static_cast<double>(group.positives) * share(positives, static_cast<std::int64_t>(group.end));
  });
  return sum / static_cast<double>(ranked.positives);
}

OperatingPoint sensitivity_at_specificity(const RankedScores& ranked, double specificity) {
  if (!has_both_classes(ranked)) return {kUndefined, kUndefined};
  std::int64_t true_positives = 0, false_positives = 0, best = 0;
  double threshold = kUndefined;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    true_positives += group.positives;
    false_positives += group.negatives;
    if (share(ranked.negatives - false_positives, ranked.negatives) < specificity || true_positives <= best)
      return;
    best = true_positives;
    threshold = ranked.scores[group.begin];
  });
  return {share(best, ranked.positives), threshold};
}

double Confusion::accuracy() const noexcept {
  return share(true_positives + true_negatives,
               true_positives + false_positives + true_negatives + false_negatives);
}

double Confusion::precision() const noexcept {
  return share(true_positives, true_positives + false_positives);
}

double Confusion::recall() const noexcept {
  return share(true_positives, true_positives + false_negatives);
}

double Confusion::specificity() const noexcept {
  return share(true_negatives, true_negatives + false_positives);
}

double Confusion::f1() const noexcept {
  return share(2 * true_positives, 2 * true_positives + false_positives + false_negatives);
}

Confusion confusion(const RankedScores& ranked, double threshold) {
  Confusion counts;
  for (std::size_t i = 0; i < ranked.scores.size(); ++i) {
    const bool said = ranked.scores[i] > threshold;
    if (ranked.answers[i] == 1) {
      ++(said ? counts.true_positives : counts.false_negatives);
    } else {
      ++(said ? counts.false_positives : counts.true_negatives);
    }
  }
  return counts;
}

}  // namespace pillar
