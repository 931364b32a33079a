// Internal: Siemens mosaics, which lay the slices of a volume out as tiles of one picture.
#pragma once

#include "image/dicom/dicom_header.h"

#include <vector>

class DcmItem;

namespace pillar {

// By ImageType.
bool is_mosaic(const PlaneHeader& whole_picture);

// One plane for each tile, in the place where its slice lies. One plane with a fault where the file does not
// say how many tiles there are or how far apart the slices lie.
std::vector<PlaneHeader> mosaic_planes(DcmItem& dataset, PlaneHeader whole_picture);

}  // namespace pillar
