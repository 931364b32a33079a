// Internal: whether the planes of a volume have values of one kind.
#pragma once

#include "image/dicom/dicom_header.h"

#include <vector>

namespace pillar {

// Fills the volume's fault where some planes have a rescale that others lack, or where CT values are no
// Hounsfield units (RescaleType, PS3.3, C.11.1.1.2); a note where stored values are taken as HU.
void check_rescale(DicomSeries& volume, const std::vector<PlaneHeader>& planes);

}  // namespace pillar
