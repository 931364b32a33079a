// Internal: a mean over questions, in the sample and in every replicate.
#pragma once

#include "pillar/metrics/evaluation.h"

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

class ReplicateMean {
 public:
  // Nothing where `value` is NaN. A replicate that is NaN does not count in that replicate's mean. All
  // questions come with the same number of replicates, or with none.
  void add(double value, std::span<const double> replicates);
  MacroInterval interval(double confidence) const;

 private:
  double sum_ = 0;
  std::int64_t questions_ = 0;
  std::vector<double> sums_;
  std::vector<std::int64_t> counts_;
};

}  // namespace pillar
