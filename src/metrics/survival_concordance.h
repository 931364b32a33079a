// Internal: pairs of a concordance that weighs by the time of the later study.
#pragma once

#include "pillar/metrics/survival.h"

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

// Studies that meet in one year, by falling risk in it: ranked once, counted in every replicate.
struct ConcordanceYear {
  enum class Role : std::uint8_t { earlier_event, event, censored };  // before the year, in it, in it
  struct Entry {
    std::uint32_t study = 0;
    Role role = Role::censored;
    bool begins_tie = true;  // the one before has another risk
  };
  std::vector<Entry> entries;
  double weight = 1;
};

// `risks_kn`: one vector a year.
std::vector<ConcordanceYear> rank_years(const std::vector<std::vector<double>>& risks_kn,
                                        const SurvivalOutcomes& outcomes,
                                        const std::vector<double>& watched_k);

// `counts`: how often each study was drawn.
ConcordanceSums concordance_sums(const std::vector<ConcordanceYear>& years,
                                 std::span<const std::uint32_t> counts);

// NaN without pairs.
double concordance_of(const ConcordanceSums& sums);

}  // namespace pillar
