// Values that mark what a scanner did not reconstruct, outside the circle that it sees.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// Air in a CT where nothing is known: the least value that 12 bits from -1024 on can hold.
inline constexpr double kAirHu = -1024;

// Values that scanners write outside that circle: below anything that a CT can measure.
constexpr bool is_padding_hu(double hu) noexcept {
  return hu == -2000 || hu == -3024;
}

// A CT with air in the place of padding, by is_padding_hu(), and how many voxels that were; the same tensor
// where there are none.
struct PaddedVoxels {
  at::Tensor voxels;
  std::int64_t count = 0;
};
PaddedVoxels padding_to_air(const at::Tensor& voxels_dhw);

std::string padding_note(std::int64_t count);

}  // namespace pillar
