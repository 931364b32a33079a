// Internal: which planes of a series make one volume, and in which order. Everything left out is reported.
#pragma once

#include "image/dicom/dicom_header.h"

#include <vector>

namespace pillar {

// Fills planes, excluded, notes and bytes_on_disk of a series from all planes found for it. Leaves
// `planes` empty if they are all localizers. Planes with a fault are kept, for load_series() to name.
void select_planes(DicomSeries& series, std::vector<PlaneHeader> found);

// Whether two planes lie parallel, with parallel rows (to a twentieth of a degree or so).
bool same_orientation(const DicomPlane& a, const DicomPlane& b) noexcept;

}  // namespace pillar
