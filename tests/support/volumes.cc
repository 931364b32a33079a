#include "support/volumes.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

namespace pillar::test {
namespace {

template <typename T>
void fill(at::Tensor& voxels, double low, double high, std::uint32_t seed) {
  std::mt19937 generator(seed);
  T* data = voxels.mutable_data_ptr<T>();
  for (std::int64_t i = 0; i < voxels.numel(); ++i) {
    data[i] = static_cast<T>(low + (high - low) * (static_cast<double>(generator()) / 4294967295.0));
  }
}

}  // namespace

Volume smooth_volume(std::int64_t depth, std::int64_t height, std::int64_t width, std::uint32_t seed) {
  Volume volume;
  volume.voxels_dhw = at::empty({depth, height, width}, at::kShort);
  auto* data = volume.voxels_dhw.mutable_data_ptr<std::int16_t>();
  for (std::int64_t d = 0; d < depth; ++d) {
    for (std::int64_t h = 0; h < height; ++h) {
      for (std::int64_t w = 0; w < width; ++w) {
        const double wave = std::sin(0.31 * static_cast<double>(d + seed)) + std::cos(0.17 * static_cast<double>(h)) +
                            std::sin(0.23 * static_cast<double>(w) + seed);
        *data++ = static_cast<std::int16_t>(100 + 366 * wave);
      }
    }
  }
  volume.geometry.spacing_xyz_mm = {0.75, 0.8, 2.5};
  volume.geometry.origin_xyz_mm = {-12.5, 7.25, -40.0};
  return volume;
}

at::Tensor random_voxels(std::int64_t depth, std::int64_t height, std::int64_t width, at::ScalarType dtype, double low, double high,
                         std::uint32_t seed) {
  at::Tensor voxels = at::empty({depth, height, width}, dtype);
  switch (dtype) {
    case at::kByte:
      fill<std::uint8_t>(voxels, low, high, seed);
      break;
    case at::kShort:
      fill<std::int16_t>(voxels, low, high, seed);
      break;
    case at::kUInt16:
      fill<std::uint16_t>(voxels, low, high, seed);
      break;
    case at::kInt:
      fill<std::int32_t>(voxels, low, high, seed);
      break;
    case at::kFloat:
      fill<float>(voxels, low, high, seed);
      break;
    case at::kDouble:
      fill<double>(voxels, low, high, seed);
      break;
    default:
      throw std::invalid_argument("random_voxels: dtype");
  }
  return voxels;
}

bool same_voxels(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.is_contiguous() && b.is_contiguous() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace pillar::test
