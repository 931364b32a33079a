// Internal: the axes of a plane and where the planes of a stack lie, as ITK computes them.
#pragma once

#include "pillar/image/dicom_series.h"

#include <array>
#include <string>
#include <vector>

namespace pillar {

using Vector3 = std::array<double, 3>;

double dot(const Vector3& a, const Vector3& b) noexcept;
Vector3 cross(const Vector3& a, const Vector3& b) noexcept;
Vector3 minus(const Vector3& a, const Vector3& b) noexcept;
double length(const Vector3& a) noexcept;

struct PlaneAxes {
  Vector3 row;     // along a row: to the next column
  Vector3 column;  // along a column: to the next row
  Vector3 normal;
};

// Orthonormal axes from ImageOrientationPatient, step for step as ITK's DICOM reader makes them (the last bit
// counts).
PlaneAxes plane_axes(const std::array<double, 6>& orientation) noexcept;

// How consecutive planes lie. All lengths in mm.
struct Stack {
  std::vector<double> places;    // of each plane on the line from the first to the last, from 0 to `extent`
  std::vector<Vector3> offsets;  // of each plane's position from the first's
  double extent = 0;             // between the first and the last position
  double shear_deg = 0;          // angle between that line and the planes' normal: a gantry's tilt
  double sideways = 0;           // the farthest that a plane lies off the line
  bool against_normal = false;
};

// Needs two planes or more. Throws Error(input): no position, two planes in one place, planes that lie beside
// each other.
Stack measure_stack(const std::vector<DicomPlane>& planes);

// Origin, direction and in-plane spacing; spacing along the stack is given.
Geometry stack_geometry(const DicomPlane& first, bool against_normal, double slice_spacing_mm) noexcept;

}  // namespace pillar
