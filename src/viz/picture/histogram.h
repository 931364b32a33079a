// Internal: how often values occur, for drawing.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::viz {

// Equal bins from low to high. All but a few in ten thousand voxels lie between; those outside are in the end
// bins.
struct Histogram {
  double low = 0;
  double high = 1;
  std::vector<std::int64_t> counts;
};

// `volume` comes from checked_volume. Throws Error(input) where a voxel is NaN or infinite.
Histogram histogram_of(const at::Tensor& volume, int bins);

}  // namespace pillar::viz
