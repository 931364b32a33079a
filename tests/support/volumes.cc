#include "support/volumes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>

#include <ATen/ops/empty.h>

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

template <typename T>
void fill_integers(at::Tensor& voxels, std::mt19937_64& random) {
  std::uniform_int_distribution<std::int64_t> any(std::numeric_limits<T>::min(),
                                                  std::numeric_limits<T>::max());
  T* data = voxels.data_ptr<T>();
  for (std::int64_t i = 0; i < voxels.numel(); ++i) data[i] = static_cast<T>(any(random));
}

template <typename T>
void fill_floats(at::Tensor& voxels, std::mt19937_64& random) {
  std::normal_distribution<double> any(0, 1000);
  T* data = voxels.data_ptr<T>();
  for (std::int64_t i = 0; i < voxels.numel(); ++i) {
    data[i] = random() % 8 == 0 ? T(-0.0) : static_cast<T>(any(random));
  }
}

template <typename Value>
at::Tensor make_codes(const SizeDhw& size, Value value) {
  at::Tensor codes = at::empty({size[0], size[1], size[2]}, at::kUInt16);
  auto* out = static_cast<std::uint16_t*>(codes.data_ptr());
  for (std::int64_t d = 0; d < size[0]; ++d) {
    for (std::int64_t h = 0; h < size[1]; ++h) {
      for (std::int64_t w = 0; w < size[2]; ++w) *out++ = value(d, h, w);
    }
  }
  return codes;
}

}  // namespace

Volume smooth_volume(std::int64_t depth, std::int64_t height, std::int64_t width, std::uint32_t seed) {
  Volume volume;
  volume.voxels_dhw = at::empty({depth, height, width}, at::kShort);
  auto* data = volume.voxels_dhw.mutable_data_ptr<std::int16_t>();
  for (std::int64_t d = 0; d < depth; ++d) {
    for (std::int64_t h = 0; h < height; ++h) {
      for (std::int64_t w = 0; w < width; ++w) {
        const double wave = std::sin(0.31 * static_cast<double>(d + seed)) +
                            std::cos(0.17 * static_cast<double>(h)) +
                            std::sin(0.23 * static_cast<double>(w) + seed);
        *data++ = static_cast<std::int16_t>(100 + 366 * wave);
      }
    }
  }
  volume.geometry.spacing_xyz_mm = {0.75, 0.8, 2.5};
  volume.geometry.origin_xyz_mm = {-12.5, 7.25, -40.0};
  return volume;
}

at::Tensor random_voxels(std::int64_t depth, std::int64_t height, std::int64_t width, at::ScalarType dtype,
                         double low, double high, std::uint32_t seed) {
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

at::Tensor any_voxels(const SizeDhw& size, at::ScalarType type, std::mt19937_64& random) {
  at::Tensor voxels = at::empty(size, type);
  switch (type) {
    case at::kByte:
      fill_integers<std::uint8_t>(voxels, random);
      break;
    case at::kShort:
      fill_integers<std::int16_t>(voxels, random);
      break;
    case at::kUInt16:
      fill_integers<std::uint16_t>(voxels, random);
      break;
    case at::kInt:
      fill_integers<std::int32_t>(voxels, random);
      break;
    case at::kFloat:
      fill_floats<float>(voxels, random);
      break;
    default:
      fill_floats<double>(voxels, random);
  }
  return voxels;
}

at::Tensor smooth_codes(const SizeDhw& size, int max_code) {
  return make_codes(size, [max_code](std::int64_t d, std::int64_t h, std::int64_t w) {
    double wave =
        std::sin(0.11 * static_cast<double>(h + 2 * d)) * std::cos(0.07 * static_cast<double>(w - d));
    return static_cast<std::uint16_t>(std::lround((0.5 + 0.5 * wave) * max_code));
  });
}

at::Tensor noise_codes(const SizeDhw& size, int max_code) {
  std::mt19937 random(7);
  return make_codes(size, [&](std::int64_t, std::int64_t, std::int64_t) {
    return static_cast<std::uint16_t>(random() % static_cast<unsigned>(max_code + 1));
  });
}

Geometry axis_aligned(const std::array<double, 3>& spacing_xyz_mm,
                      const std::array<double, 3>& origin_xyz_mm) {
  return {.spacing_xyz_mm = spacing_xyz_mm, .origin_xyz_mm = origin_xyz_mm};
}

Geometry oblique(const std::array<double, 3>& spacing_xyz_mm, const std::array<double, 3>& origin_xyz_mm,
                 bool mirrored) {
  const double a = 0.21, b = -0.37, c = 1.1;
  const double sa = std::sin(a), ca = std::cos(a), sb = std::sin(b), cb = std::cos(b), sc = std::sin(c),
               cc = std::cos(c);
  const double z = mirrored ? -1 : 1;
  Geometry geometry = axis_aligned(spacing_xyz_mm, origin_xyz_mm);
  geometry.direction = {ca * cb,
                        ca * sb * sc - sa * cc,
                        z * (ca * sb * cc + sa * sc),
                        sa * cb,
                        sa * sb * sc + ca * cc,
                        z * (sa * sb * cc - ca * sc),
                        -sb,
                        cb * sc,
                        z * cb * cc};
  return geometry;
}

bool same_voxels(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.is_contiguous() &&
         b.is_contiguous() && std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace pillar::test
