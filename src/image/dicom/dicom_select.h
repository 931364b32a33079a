// Internal: which planes of a series make which volume, and in which order. Everything left out is reported.
#pragma once

#include "image/dicom/dicom_header.h"

#include <vector>

namespace pillar {

// The volumes of a series from all planes found for it; none where no plane is an image of a scan. What is
// left out goes to the first volume's `excluded`, or to `left_out` where there is none. Planes with a fault
// stay, for load_series() to name, but for those that only lack what the others have and leave no hole.
std::vector<DicomSeries> select_volumes(DicomSeries identity, std::vector<PlaneHeader> found,
                                        std::vector<ExcludedPlane>& left_out);

// Whether two planes lie parallel, with parallel rows (to a twentieth of a degree or so).
bool same_orientation(const DicomPlane& a, const DicomPlane& b) noexcept;

}  // namespace pillar
