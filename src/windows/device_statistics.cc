#include "windows/device_statistics.h"

#include "windows/order_statistics.h"

#include <cmath>

#include <ATen/ops/aminmax.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/var_mean.h>

namespace pillar::windows {
namespace {

Histogram histogram_of(const at::Tensor& voxels) {
  const std::int64_t key_zero = voxels.scalar_type() == at::kShort ? key_of(std::int16_t{0}) : 0;
  const at::Tensor keys = voxels.flatten().to(at::kInt).add_(key_zero);
  const at::Tensor counts = at::bincount(keys, {}, kKeys).to(at::kCPU);
  const auto* count = counts.const_data_ptr<std::int64_t>();
  return Histogram(count, count + kKeys);
}

[[noreturn]] void refuse_first_not_finite(const at::Tensor& voxels) {
  refuse_not_finite({voxels.const_data_ptr<float>(), static_cast<std::size_t>(voxels.numel())});
}

Statistics statistics_of_floats(const at::Tensor& voxels, const StatisticsWanted& wanted) {
  const auto [low, high] = at::aminmax(voxels);
  Statistics result;
  result.min = low.item<double>();
  result.max = high.item<double>();
  if (!std::isfinite(result.min) || !std::isfinite(result.max))
    refuse_first_not_finite(voxels.to(at::kCPU).contiguous());
  if (wanted.moments) {
    const auto [variance, mean] = at::var_mean(voxels.to(at::kDouble), false);
    const auto count = static_cast<double>(voxels.numel());
    result.mean = mean.item<double>();
    result.sd = count > 1 ? std::sqrt(variance.item<double>() * (count / (count - 1))) : 0;
  }
  if (wanted.percents.empty()) return result;
  const at::Tensor sorted = std::get<0>(at::sort(voxels.flatten()));
  for (const double percent : wanted.percents) {
    const PercentileRank rank = percentile_rank(percent, voxels.numel());
    const auto value_at = [&](std::uint64_t place) {
      return sorted.select(0, static_cast<std::int64_t>(place)).item<double>();
    };
    result.percentiles.push_back(between(rank, value_at(rank.below), value_at(rank.above)));
  }
  return result;
}

}  // namespace

Statistics statistics_by_operators(const at::Tensor& voxels, const StatisticsWanted& wanted) {
  if (voxels.scalar_type() == at::kFloat) return statistics_of_floats(voxels, wanted);
  if (!wanted.extremes && !wanted.moments && wanted.percents.empty()) return {};
  const double key_zero = voxels.scalar_type() == at::kShort ? key_of(std::int16_t{0}) : 0;
  return statistics_of_histogram(histogram_of(voxels), key_zero, wanted);
}

}  // namespace pillar::windows
