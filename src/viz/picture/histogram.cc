#include "viz/picture/histogram.h"

#include "viz/picture/voxels.h"

#include <algorithm>
#include <cmath>

namespace pillar::viz {
namespace {

constexpr int kFineBins = 1 << 14;
constexpr double kLeftOut = 0.0002;  // part of the voxels at each end

struct ValueRange {
  double low, high;
};

ValueRange range_of(const at::Tensor& volume) {
  return visit_voxels(volume, [&](const auto* voxels) {
    ValueRange range = {static_cast<double>(voxels[0]), static_cast<double>(voxels[0])};
    for (std::int64_t i = 0; i < volume.numel(); ++i) {
      const auto value = static_cast<double>(voxels[i]);
      if (!std::isfinite(value)) {
        fail(ErrorCategory::input, "cannot show a volume with a voxel of value {}", value);
      }
      range = {std::min(range.low, value), std::max(range.high, value)};
    }
    return range;
  });
}

std::vector<std::int64_t> counts_in(const at::Tensor& volume, ValueRange range, int bins) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins), 0);
  const double span = range.high - range.low;
  visit_voxels(volume, [&](const auto* voxels) {
    for (std::int64_t i = 0; i < volume.numel(); ++i) {
      const double place = (static_cast<double>(voxels[i]) - range.low) / span * bins;
      ++counts[static_cast<std::size_t>(std::clamp(place, 0.0, bins - 1.0))];
    }
  });
  return counts;
}

// Without the few voxels of metal or padding that would squeeze everything else into a few bins.
ValueRange without_ends(const std::vector<std::int64_t>& counts, ValueRange range, std::int64_t voxels) {
  const auto few = static_cast<std::int64_t>(kLeftOut * static_cast<double>(voxels));
  std::size_t first = 0, last = counts.size();
  for (std::int64_t seen = counts[0]; seen <= few; seen += counts[first]) ++first;
  for (std::int64_t seen = counts[last - 1]; seen <= few; seen += counts[last - 1]) --last;
  const double bin = (range.high - range.low) / static_cast<double>(counts.size());
  return {range.low + static_cast<double>(first) * bin, range.low + static_cast<double>(last) * bin};
}

}  // namespace

Histogram histogram_of(const at::Tensor& volume, int bins) {
  ValueRange range = range_of(volume);
  if (!std::isfinite(range.high - range.low)) {
    fail(ErrorCategory::input, "cannot show values from {} to {}", range.low, range.high);
  }
  if (range.low == range.high) range = {range.low - 0.5, range.high + 0.5};
  range = without_ends(counts_in(volume, range, kFineBins), range, volume.numel());
  return {range.low, range.high, counts_in(volume, range, bins)};
}

}  // namespace pillar::viz
