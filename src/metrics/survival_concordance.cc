#include "metrics/survival_concordance.h"

#include "metrics/undefined.h"

#include <algorithm>

namespace pillar {
namespace {

using Role = ConcordanceYear::Role;

ConcordanceYear rank_year(const std::vector<double>& risks, const SurvivalOutcomes& outcomes,
                          std::int64_t year) {
  ConcordanceYear ranked;
  for (std::size_t i = 0; i < outcomes.times_n.size(); ++i) {
    const bool event = outcomes.events_n[i] != 0;
    const std::int64_t time = outcomes.times_n[i];
    const auto study = static_cast<std::uint32_t>(i);
    if (time < year && event) ranked.entries.push_back({study, Role::earlier_event, true});
    if (time == year) ranked.entries.push_back({study, event ? Role::event : Role::censored, true});
  }
  std::sort(ranked.entries.begin(), ranked.entries.end(), [&](const auto& a, const auto& b) {
    return risks[a.study] != risks[b.study] ? risks[a.study] > risks[b.study] : a.study < b.study;
  });
  for (std::size_t i = 1; i < ranked.entries.size(); ++i) {
    ranked.entries[i].begins_tie = risks[ranked.entries[i].study] != risks[ranked.entries[i - 1].study];
  }
  return ranked;
}

// How many events are of a higher risk, of the same, and in all: those before the year, and with those in it.
struct Seen {
  std::int64_t above_before = 0, same_before = 0, above_with = 0, same_with = 0;
};

struct Pairs {
  std::int64_t right = 0, tied = 0, before = 0, with = 0;  // before, with: studies compared with either
};

void count_tie(std::span<const ConcordanceYear::Entry> tie, std::span<const std::uint32_t> counts, Seen& seen,
               Pairs& pairs) {
  seen.same_before = seen.same_with = 0;
  for (const auto& entry : tie) {
    if (entry.role == Role::censored) continue;
    seen.same_with += counts[entry.study];
    if (entry.role == Role::earlier_event) seen.same_before += counts[entry.study];
  }
  for (const auto& entry : tie) {
    if (entry.role == Role::earlier_event) continue;
    const std::int64_t drawn = counts[entry.study];
    const bool event = entry.role == Role::event;
    pairs.right += drawn * (event ? seen.above_before : seen.above_with);
    pairs.tied += drawn * (event ? seen.same_before : seen.same_with);
    (event ? pairs.before : pairs.with) += drawn;
  }
  seen.above_before += seen.same_before;
  seen.above_with += seen.same_with;
}

}  // namespace

std::vector<ConcordanceYear> rank_years(const std::vector<std::vector<double>>& risks_kn,
                                        const SurvivalOutcomes& outcomes,
                                        const std::vector<double>& watched_k) {
  std::vector<ConcordanceYear> years;
  for (std::size_t k = 0; k < risks_kn.size(); ++k) {
    years.push_back(rank_year(risks_kn[k], outcomes, static_cast<std::int64_t>(k)));
    if (!watched_k.empty()) years.back().weight = 1 / (watched_k[k] * watched_k[k]);
  }
  return years;
}

ConcordanceSums concordance_sums(const std::vector<ConcordanceYear>& years,
                                 std::span<const std::uint32_t> counts) {
  ConcordanceSums sums;
  for (const ConcordanceYear& year : years) {
    Seen seen;
    Pairs pairs;
    const std::span<const ConcordanceYear::Entry> entries = year.entries;
    for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
      for (end = begin + 1; end < entries.size() && !entries[end].begins_tie;) ++end;
      count_tie(entries.subspan(begin, end - begin), counts, seen, pairs);
    }
    sums.right += year.weight * static_cast<double>(pairs.right);
    sums.tied += year.weight * static_cast<double>(pairs.tied);
    sums.pairs +=
        year.weight * static_cast<double>(pairs.before * seen.above_before + pairs.with * seen.above_with);
  }
  return sums;
}

double concordance_of(const ConcordanceSums& sums) {
  return sums.pairs > 0 ? (sums.right + sums.tied / 2) / sums.pairs : kUndefined;
}

}  // namespace pillar
