#include "metrics/replicate_pass.h"

#include "metrics/undefined.h"

#include <limits>

namespace pillar {
namespace {

constexpr int kLanes = kReplicateLanes;

// Every loop over k is over replicates, for vector instructions. Where doubles are involved, GCC makes them
// of a loop but not of one that it has unrolled already.
struct Lanes {
  std::int32_t negatives[kLanes] = {}, positives[kLanes] = {};  // so far, by falling score
  double twice_wrong[kLanes] = {};                              // pairs in which the no scores higher
  double precision[kLanes] = {};                                // summed over positives
};

inline void add_rows(std::int32_t* sums, const std::uint8_t* counts, const std::uint32_t* units,
                     std::uint32_t number) {
  std::int32_t local[kLanes];
  for (int k = 0; k < kLanes; ++k) local[k] = sums[k];
  for (std::uint32_t i = 0; i < number; ++i) {
    const std::uint8_t* row = counts + std::size_t{units[i]} * kLanes;
    for (int k = 0; k < kLanes; ++k) local[k] += row[k];
  }
  for (int k = 0; k < kLanes; ++k) sums[k] = local[k];
}

template <bool kPrecision>
inline void add_step(Lanes& lanes, const std::int32_t* positives, const std::int32_t* negatives) {
#pragma GCC unroll 1
  for (int k = 0; k < kLanes; ++k) {
    lanes.twice_wrong[k] += static_cast<double>(positives[k]) * (2 * lanes.negatives[k] + negatives[k]);
    lanes.negatives[k] += negatives[k];
    lanes.positives[k] += positives[k];
  }
  if constexpr (kPrecision) {
#pragma GCC unroll 1
    for (int k = 0; k < kLanes; ++k) {
      // At least 1: where nothing was drawn yet, 0 is added.
      const std::int32_t drawn = lanes.positives[k] + lanes.negatives[k];
      const std::int32_t said = drawn + (drawn == 0 ? 1 : 0);
      lanes.precision[k] += static_cast<double>(positives[k]) *
                            (static_cast<double>(lanes.positives[k]) / static_cast<double>(said));
    }
  }
}

template <bool kPrecision>
Lanes pass(const RankedUnits& ranked, const std::uint8_t* counts) {
  Lanes lanes;
  const std::uint32_t* units = ranked.units.data();
  for (const RankedUnits::Step& step : ranked.steps) {
    add_rows(lanes.negatives, counts, units, step.negatives_above);
    units += step.negatives_above;
    if (step.positives == 0) break;
    std::int32_t negatives[kLanes] = {}, positives[kLanes] = {};
    if (step.negatives == 0 && step.positives == 1) {  // no tie: by far the most common
      const std::uint8_t* row = counts + std::size_t{*units} * kLanes;
#pragma GCC unroll 1
      for (int k = 0; k < kLanes; ++k) positives[k] = row[k];
      add_step<kPrecision>(lanes, positives, negatives);
      ++units;
      continue;
    }
    add_rows(negatives, counts, units, step.negatives);
    units += step.negatives;
    add_rows(positives, counts, units, step.positives);
    units += step.positives;
    add_step<kPrecision>(lanes, positives, negatives);
  }
  return lanes;
}

}  // namespace

void replicate_pass(const RankedUnits& ranked, const std::uint8_t* counts, double* auroc,
                    double* average_precision) {
  const Lanes lanes = average_precision != nullptr ? pass<true>(ranked, counts) : pass<false>(ranked, counts);
  for (int k = 0; k < kLanes; ++k) {
    const double positives = lanes.positives[k], negatives = lanes.negatives[k];
    const bool defined = positives > 0 && negatives > 0;
    auroc[k] = defined ? 1 - lanes.twice_wrong[k] / (2 * (positives * negatives)) : kUndefined;
    if (average_precision != nullptr)
      average_precision[k] = defined ? lanes.precision[k] / positives : kUndefined;
  }
}

}  // namespace pillar
