#include "pillar/image/volume.h"

#include "pillar/core/fail.h"

#include <cctype>

namespace pillar {

const char* to_string(Modality modality) noexcept {
  return modality == Modality::ct ? "CT" : "MR";
}

Modality parse_modality(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "CT") return Modality::ct;
  if (upper == "MR" || upper == "MRI") return Modality::mr;
  fail(ErrorCategory::usage, "unknown modality '{}'; CT or MR", text);
}

std::array<double, 3> Geometry::point(const std::array<double, 3>& index_ijk) const noexcept {
  std::array<double, 3> result = origin_xyz_mm;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      result[row] += direction[3 * row + column] * spacing_xyz_mm[column] * index_ijk[column];
    }
  }
  return result;
}

// Cramer's rule: exact where the direction only swaps and mirrors axes.
std::array<double, 3> Geometry::index(const std::array<double, 3>& point_xyz_mm) const noexcept {
  const auto cross = [](const std::array<double, 3>& a, const std::array<double, 3>& b) {
    return std::array<double, 3>{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                                 a[0] * b[1] - a[1] * b[0]};
  };
  const auto dot = [](const std::array<double, 3>& a, const std::array<double, 3>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  std::array<double, 3> from_origin = point_xyz_mm;
  for (std::size_t i = 0; i < 3; ++i) from_origin[i] -= origin_xyz_mm[i];
  std::array<double, 3> result;
  for (int c = 0; c < 3; ++c) {
    const std::array<double, 3> across = cross(axis((c + 1) % 3), axis((c + 2) % 3));
    result[c] = dot(across, from_origin) / (dot(across, axis(c)) * spacing_xyz_mm[c]);
  }
  return result;
}

SizeDhw size_dhw(const at::Tensor& voxels_dhw) {
  if (voxels_dhw.dim() != 3) fail(ErrorCategory::input, "a volume has three axes, not {}", voxels_dhw.dim());
  return {voxels_dhw.size(0), voxels_dhw.size(1), voxels_dhw.size(2)};
}

Grid grid_of(const Volume& volume) {
  return {volume.geometry, size_dhw(volume.voxels_dhw)};
}

}  // namespace pillar
