#include "image/volumes.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <ATen/ops/empty.h>

namespace pillar::test {
namespace {

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

}  // namespace

at::Tensor random_voxels(const SizeDhw& size, at::ScalarType type, std::mt19937_64& random) {
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

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

}  // namespace pillar::test
