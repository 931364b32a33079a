#include "pillar/image/volume.h"

#include "pillar/core/fail.h"

#include <cctype>

namespace pillar {

const char* to_string(Modality modality) noexcept { return modality == Modality::ct ? "CT" : "MR"; }

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

SizeDhw size_dhw(const at::Tensor& voxels_dhw) {
  if (voxels_dhw.dim() != 3) fail(ErrorCategory::input, "a volume has three axes, not {}", voxels_dhw.dim());
  return {voxels_dhw.size(0), voxels_dhw.size(1), voxels_dhw.size(2)};
}

}  // namespace pillar
