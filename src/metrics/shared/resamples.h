// Internal: AUROC and average precision of one question in every bootstrap replicate. The question is ranked
// once; a replicate is then one pass with a count for each study, and sixteen replicates go side by side.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/metrics.h"

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

constexpr std::int64_t kReplicateLanes = 16;

// How often each unit was drawn in each replicate.
class Resamples {
 public:
  // Throws Error(usage) where the counts would not fit into a few gigabytes.
  Resamples(std::int64_t units, const BootstrapOptions& options);
  std::int64_t replicates() const noexcept { return replicates_; }
  std::int64_t blocks() const noexcept { return blocks_; }  // of kReplicateLanes replicates
  // (units, kReplicateLanes); lanes past the last replicate are zero.
  const std::uint8_t* block(std::int64_t index) const noexcept {
    return counts_.data() + index * units_ * kReplicateLanes;
  }

 private:
  std::int64_t units_, replicates_, blocks_;
  std::vector<std::uint8_t> counts_;
};

// A ranking as a pass reads it. Studies are units in order of `steps`, each of which takes its three counts.
struct RankedUnits {
  struct Step {
    std::uint32_t negatives_above = 0;  // that score higher than this step's score, and lower than the last's
    std::uint32_t negatives = 0, positives = 0;  // of this exact score
  };
  std::vector<std::uint32_t> units;
  std::vector<Step> steps;  // one a distinct score that has a positive, and one for what lies below
};
RankedUnits rank_units(const RankedScores& ranked, const std::vector<std::uint32_t>& unit_of_study);

// Fills one value a replicate, NaN where one class was drawn only. `average_precision` may be empty: then it
// is not computed.
void replicate_scores(const RankedUnits& ranked, const Resamples& resamples, std::span<double> auroc,
                      std::span<double> average_precision);

}  // namespace pillar
