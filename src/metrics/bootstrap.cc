#include "pillar/metrics/bootstrap.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include "metrics/undefined.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pillar {

void check_bootstrap_options(const BootstrapOptions& options) {
  constexpr std::int64_t kMost = 100'000;
  if (options.replicates < 0 || options.replicates > kMost)
    fail(ErrorCategory::usage, "{} bootstrap replicates: 0 to {} are possible", options.replicates, kMost);
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fail(ErrorCategory::usage, "a confidence of {} is not between 0 and 1 (0.95 is usual)",
         options.confidence);
  }
  if (options.threads < 0) fail(ErrorCategory::usage, "cannot run on {} threads", options.threads);
}

std::vector<std::uint32_t> drawn_units(std::uint64_t seed, std::int64_t replicate, std::int64_t units) {
  if (units < 0 || units > UINT32_MAX) fail(ErrorCategory::usage, "cannot draw from {} units", units);
  std::vector<std::uint32_t> drawn(static_cast<std::size_t>(units));
  SplitMix64 random{split_mix(hash64(seed) + static_cast<std::uint64_t>(replicate))};
  for (std::uint32_t& unit : drawn) {
    // Of 2^32 words, all units get the same number but for one: even to 1 in 2^32 / units.
    const std::uint64_t word = random.next() >> 32;
    unit = static_cast<std::uint32_t>((word * static_cast<std::uint64_t>(units)) >> 32);
  }
  return drawn;
}

namespace {

// Of sorted numbers; q from 0 to 1.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Interval percentile_interval(double value, std::span<const double> replicates, double confidence) {
  std::vector<double> sorted;
  sorted.reserve(replicates.size());
  for (const double replicate : replicates)
    if (!std::isnan(replicate)) sorted.push_back(replicate);
  if (std::isnan(value) || sorted.empty()) return {value, kUndefined, kUndefined};
  std::sort(sorted.begin(), sorted.end());
  return {value, quantile(sorted, (1 - confidence) / 2), quantile(sorted, (1 + confidence) / 2)};
}

}  // namespace pillar
