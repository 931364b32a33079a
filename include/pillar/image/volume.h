// The one in-memory form of a scan: voxels and where they lie in the patient.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class Modality { ct, mr };

const char* to_string(Modality modality) noexcept;  // "CT", "MR": DICOM (0008,0060)
Modality parse_modality(std::string_view text);     // case-insensitive; throws Error(usage)

// Where voxel indices lie in the patient, in ITK's convention: millimetres, LPS (x to the patient's left, y
// to the back, z to the head). Index (i,j,k) counts columns, rows and slices, i.e. tensor axes W, H and D.
struct Geometry {
  std::array<double, 3> spacing_xyz_mm = {1, 1, 1};
  std::array<double, 3> origin_xyz_mm = {0, 0, 0};  // centre of voxel (0,0,0)
  // Row-major 3x3; column c is the unit vector of index axis c.
  std::array<double, 9> direction = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  std::array<double, 3> point(const std::array<double, 3>& index_ijk) const noexcept;
  // The index of a point of the patient: point() the other way round.
  std::array<double, 3> index(const std::array<double, 3>& point_xyz_mm) const noexcept;
  std::array<double, 3> axis(int c) const noexcept {
    return {direction[c], direction[3 + c], direction[6 + c]};
  }
  bool operator==(const Geometry&) const = default;
};

struct Volume {
  at::Tensor voxels_dhw;  // contiguous (D,H,W): int16, uint16, or, before intensities are final, uint8,
                          // int32, float32, float64
  Geometry geometry;
  Modality modality = Modality::ct;
  bool oriented = true;  // false: the file does not say how its axes run, and geometry.direction is a guess
};

using SizeDhw = std::array<std::int64_t, 3>;
SizeDhw size_dhw(const at::Tensor& voxels_dhw);  // throws Error(input) unless it has three axes

// Where the voxels of a volume lie, without the voxels.
struct Grid {
  Geometry geometry;
  SizeDhw size_dhw = {0, 0, 0};
  bool operator==(const Grid&) const = default;
};
Grid grid_of(const Volume& volume);  // throws Error(input) unless it has three axes

}  // namespace pillar
