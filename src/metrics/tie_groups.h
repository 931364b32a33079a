// Internal: ranked studies of one exact score, which no threshold can tell apart.
#pragma once

#include "pillar/metrics/metrics.h"

#include <cstddef>

namespace pillar {

struct TieGroup {
  std::size_t begin = 0, end = 0;             // in the ranking
  std::int64_t positives = 0, negatives = 0;  // of the group
};

// Calls visit(TieGroup) by falling score.
template <typename Visit>
void for_each_tie_group(const RankedScores& ranked, Visit&& visit) {
  for (std::size_t begin = 0; begin < ranked.scores.size();) {
    TieGroup group;
    group.begin = group.end = begin;
    for (; group.end < ranked.scores.size() && ranked.scores[group.end] == ranked.scores[begin];
         ++group.end) {
      ++(ranked.answers[group.end] == 1 ? group.positives : group.negatives);
    }
    visit(static_cast<const TieGroup&>(group));
    begin = group.end;
  }
}

}  // namespace pillar
