// Intervals by the percentile bootstrap (Efron and Tibshirani, 1993, chapter 13): studies, or patients with
// all of their studies, are drawn with replacement, and every number is computed again on what was drawn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

struct BootstrapOptions {
  std::int64_t replicates = 1000;  // 0: no intervals
  std::uint64_t seed = 0;
  double confidence = 0.95;
  int threads = 0;  // 0: one a processor; changes no bit
};
// Throws Error(usage).
void check_bootstrap_options(const BootstrapOptions& options);

struct Interval {
  double value = 0;          // of the sample itself; NaN where undefined
  double low = 0, high = 0;  // NaN where undefined
};

// A mean over questions.
struct MacroInterval {
  Interval mean;
  std::int64_t questions = 0;  // that have the number
};

// The units drawn in one replicate, `units` of them, each from 0 to units - 1. They depend on the arguments
// alone.
std::vector<std::uint32_t> drawn_units(std::uint64_t seed, std::int64_t replicate, std::int64_t units);

// The middle `confidence` of the replicates, interpolated linearly between order statistics. NaN replicates
// are left out; where none is left, low and high are NaN.
Interval percentile_interval(double value, std::span<const double> replicates, double confidence);

}  // namespace pillar
