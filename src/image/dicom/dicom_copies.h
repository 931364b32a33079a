// Internal: instances that are stored twice.
#pragma once

#include "image/dicom/dicom_header.h"

#include <string>

namespace pillar {

// What tells two planes apart that claim to be one image: "other pixels", "another rescale slope or
// intercept"; empty if nothing does. Decodes both. Throws Error where one cannot be decoded.
std::string difference_of(const PlaneHeader& a, const PlaneHeader& b);

}  // namespace pillar
