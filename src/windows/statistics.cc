#include "windows/statistics.h"

#include "pillar/core/fail.h"

#include "windows/kernels.h"
#include "windows/order_statistics.h"

#include <cmath>
#include <limits>

namespace pillar::windows {
namespace {

constexpr std::int64_t kSummedPart = 1 << 16;  // voxels summed at a time; part of the result's definition

// min and max of kernel results over parts, in parallel.
template <typename Extreme, typename Voxel>
Extremes<Extreme> extremes_of(const Voxel* voxels, std::int64_t count, int threads,
                              Extremes<Extreme> (*kernel)(const Voxel*, std::int64_t)) {
  const std::int64_t parts = std::min(count, std::int64_t{4} * threads);
  std::vector<Extremes<Extreme>> found(static_cast<std::size_t>(parts));
  parallel_for(parts, threads, [&](std::int64_t i) {
    const std::int64_t first = count * i / parts;
    found[i] = kernel(voxels + first, count * (i + 1) / parts - first);
  });
  Extremes<Extreme> all = found[0];
  for (const auto& part : found) all = {std::min(all.min, part.min), std::max(all.max, part.max)};
  return all;
}

// Exact: sums of integers, in 128 bits where they must.
void integer_moments(const Histogram& histogram, double key_zero, Statistics& result) {
  __extension__ using Wide = unsigned __int128;
  Wide count = 0, sum = 0, squares = 0;
  for (std::size_t key = 0; key < histogram.size(); ++key) {
    const Wide n = histogram[key];
    count += n;
    sum += n * key;
    squares += n * key * key;
  }
  const double n = static_cast<double>(count);
  result.mean = static_cast<double>(sum) / n - key_zero;
  const double spread = static_cast<double>(count * squares - sum * sum) / n;
  result.sd = count > 1 ? std::sqrt(spread / (n - 1)) : 0;
}

template <typename Voxel>
Statistics integer_statistics(const Voxel* voxels, std::int64_t count, const StatisticsWanted& wanted,
                              int threads) {
  Statistics result;
  if (!wanted.moments && wanted.percents.empty()) {
    if (!wanted.extremes) return result;
    const auto [low, high] = extremes_of<Voxel>(voxels, count, threads, extremes_kernel(voxels));
    result.min = low;
    result.max = high;
    return result;
  }
  return statistics_of_histogram(value_histogram(voxels, count, threads), key_of(Voxel{0}), wanted);
}

struct Moments {
  double count = 0, mean = 0, squares = 0;  // squares: of deviations from the mean
};

Moments moments_of_part(const float* voxels, std::int64_t count) {
  Moments part;
  part.count = static_cast<double>(count);
  part.mean = kernels().sum_float(voxels, count, 0) / part.count;
  part.squares = kernels().squares_float(voxels, count, part.mean);
  return part;
}

// Deviations from each part's own mean, joined pairwise (Chan, Golub, LeVeque 1979): no cancellation.
Moments moments_of_both(const Moments& a, const Moments& b) {
  const double count = a.count + b.count;
  const double apart = b.mean - a.mean;
  return {count, a.mean + apart * (b.count / count),
          a.squares + b.squares + apart * apart * (a.count / count * b.count)};
}

void float_moments(const float* voxels, std::int64_t count, int threads, Statistics& result) {
  std::vector<Moments> parts(static_cast<std::size_t>((count + kSummedPart - 1) / kSummedPart));
  parallel_for(static_cast<std::int64_t>(parts.size()), threads, [&](std::int64_t i) {
    parts[i] = moments_of_part(voxels + i * kSummedPart, std::min(kSummedPart, count - i * kSummedPart));
  });
  Moments all = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) all = moments_of_both(all, parts[i]);
  result.mean = all.mean;
  result.sd = count > 1 ? std::sqrt(all.squares / (all.count - 1)) : 0;
}

Statistics float_statistics(const float* voxels, std::int64_t count, const StatisticsWanted& wanted,
                            int threads) {
  Statistics result;
  const auto keys = extremes_of<std::int32_t>(voxels, count, threads, kernels().extreme_keys_float);
  result.min = value_of_ordered_key(keys.min);
  result.max = value_of_ordered_key(keys.max);
  if (!std::isfinite(result.min) || !std::isfinite(result.max))
    refuse_not_finite({voxels, static_cast<std::size_t>(count)});
  if (wanted.moments) float_moments(voxels, count, threads, result);
  if (wanted.percents.empty()) return result;
  std::vector<PercentileRank> ranks;
  std::vector<std::uint64_t> wanted_ranks;
  for (const double percent : wanted.percents) {
    ranks.push_back(percentile_rank(percent, count));
    wanted_ranks.insert(wanted_ranks.end(), {ranks.back().below, ranks.back().above});
  }
  const std::vector<float> values = values_at_ranks(voxels, count, wanted_ranks, threads);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    result.percentiles.push_back(between(ranks[i], values[2 * i], values[2 * i + 1]));
  }
  return result;
}

}  // namespace

void refuse_not_finite(std::span<const float> voxels) {
  const auto found =
      std::find_if_not(voxels.begin(), voxels.end(), [](float value) { return std::isfinite(value); });
  fail(ErrorCategory::input, "cannot window a volume with a voxel of value {} (voxel {} of {})", *found,
       found - voxels.begin(), voxels.size());
}

Statistics statistics_of_histogram(const Histogram& histogram, double key_zero,
                                   const StatisticsWanted& wanted) {
  std::uint64_t count = 0;
  for (const std::uint64_t of_key : histogram) count += of_key;
  const auto value_at = [&](std::uint64_t rank) { return key_at_rank(histogram, rank).key - key_zero; };
  Statistics result;
  result.min = value_at(0);
  result.max = value_at(count - 1);
  integer_moments(histogram, key_zero, result);
  for (const double percent : wanted.percents) {
    const PercentileRank rank = percentile_rank(percent, static_cast<std::int64_t>(count));
    result.percentiles.push_back(between(rank, value_at(rank.below), value_at(rank.above)));
  }
  return result;
}

Statistics statistics(const at::Tensor& voxels, const StatisticsWanted& wanted, int threads) {
  const void* data = voxels.const_data_ptr();
  const std::int64_t count = voxels.numel();
  switch (voxels.scalar_type()) {
    case at::kShort:
      return integer_statistics(static_cast<const std::int16_t*>(data), count, wanted, threads);
    case at::kUInt16:
      return integer_statistics(static_cast<const std::uint16_t*>(data), count, wanted, threads);
    case at::kFloat:
      return float_statistics(static_cast<const float*>(data), count, wanted, threads);
    default:
      fail(ErrorCategory::input, "cannot window voxels of type {}; int16, uint16 and float32 can be",
           c10::toString(voxels.scalar_type()));
  }
}

}  // namespace pillar::windows
