#include "pillar/core/fail.h"
#include "pillar/metrics/metrics.h"

#include "metrics/tie_groups.h"

namespace pillar {
namespace {

struct Corner {
  std::int64_t negatives = 0, positives = 0;  // said to be yes
};

// Whether b lies on the straight line from a to c. The three are in order of both axes.
bool is_straight(const Corner& a, const Corner& b, const Corner& c) {
  const auto cross = static_cast<__int128>(b.negatives - a.negatives) * (c.positives - a.positives) -
                     static_cast<__int128>(c.negatives - a.negatives) * (b.positives - a.positives);
  return cross == 0;
}

std::vector<Corner> corners(const RankedScores& ranked) {
  std::vector<Corner> found = {{}};
  Corner here;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    here.negatives += group.negatives;
    here.positives += group.positives;
    if (found.size() > 1 && is_straight(found[found.size() - 2], found.back(), here)) found.pop_back();
    found.push_back(here);
  });
  return found;
}

}  // namespace

std::vector<RocPoint> roc_points(const RankedScores& ranked, std::int64_t max_points) {
  if (max_points < 2) fail(ErrorCategory::usage, "a ROC curve needs at least 2 points, not {}", max_points);
  if (ranked.positives == 0 || ranked.negatives == 0) return {};
  const std::vector<Corner> all = corners(ranked);
  const auto negatives = static_cast<double>(ranked.negatives);
  const auto positives = static_cast<double>(ranked.positives);
  const bool thin = std::ssize(all) > max_points;
  std::vector<RocPoint> points;
  double next_length = 0;  // of the curve from (0,0), an axis at a time: 0 to 2
  for (const Corner& corner : all) {
    const RocPoint point = {static_cast<double>(corner.negatives) / negatives,
                            static_cast<double>(corner.positives) / positives};
    const double length = point.false_positive_rate + point.true_positive_rate;
    if (thin && length < next_length) continue;
    points.push_back(point);
    // At most max_points - 2 steps of this size fit into a length of 2.
    while (next_length <= length) next_length += 2 / static_cast<double>(max_points - 1);
  }
  // The corner (1,1) may lie just before the next step.
  if (points.back().false_positive_rate + points.back().true_positive_rate < 2) points.push_back({1, 1});
  return points;
}

}  // namespace pillar
