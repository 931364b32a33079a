// Internal: what windows need to know of one channel of one volume.
#pragma once

#include "windows/histogram.h"

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::windows {

struct StatisticsWanted {
  bool extremes = false;  // min, max
  bool moments = false;   // mean, sd
  std::vector<double> percents;
};

struct Statistics {
  double min = 0, max = 0;
  double mean = 0, sd = 0;          // sd unbiased; 0 for a single voxel
  std::vector<double> percentiles;  // as `percents`, linear between neighbours
};

// voxels: contiguous, not empty; int16, uint16 or float32. Exact for integers; the moments of floats are
// summed in double in an order of its own, so that all is the same for any number of threads. Floats are
// always looked through: throws Error(input) for a NaN or infinite one.
Statistics statistics(const at::Tensor& voxels, const StatisticsWanted& wanted, int threads);

// The same of integers by how many there are of each key (histogram.h); key_zero: the key of the value 0.
Statistics statistics_of_histogram(const Histogram& histogram, double key_zero,
                                   const StatisticsWanted& wanted);

// Throws Error(input) with the first NaN or infinite voxel, of which there is one.
[[noreturn]] void refuse_not_finite(std::span<const float> voxels);

}  // namespace pillar::windows
