#include "metrics/shared/replicate_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar {
namespace {

double mean(double sum, std::int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void ReplicateMean::add(double value, std::span<const double> replicates) {
  if (std::isnan(value)) return;
  sum_ += value;
  ++questions_;
  sums_.resize(std::max(sums_.size(), replicates.size()));
  counts_.resize(sums_.size());
  for (std::size_t r = 0; r < replicates.size(); ++r) {
    if (std::isnan(replicates[r])) continue;
    sums_[r] += replicates[r];
    ++counts_[r];
  }
}

MacroInterval ReplicateMean::interval(double confidence) const {
  std::vector<double> means(sums_.size());
  for (std::size_t r = 0; r < means.size(); ++r) means[r] = mean(sums_[r], counts_[r]);
  return {percentile_interval(mean(sum_, questions_), means, confidence), questions_};
}

}  // namespace pillar
