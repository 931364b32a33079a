// The range of values that a picture shows.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// Value center - width/2 is black, center + width/2 is white. DICOM (0028,1050), (0028,1051).
struct DisplayWindow {
  double center = 40;
  double width = 400;
  bool operator==(const DisplayWindow&) const = default;
};

// "40,400" -> centre 40, width 400. Throws Error(usage) for anything else, a width that is not above 0
// included.
DisplayWindow parse_display_window(const std::string& text);

// Throws Error(usage) unless both numbers are finite and the width is above 0.
void check_display_window(const DisplayWindow& window);

// From the 0.5 to the 99.5 percentile of about a million voxels chosen evenly; a constant volume gets a width
// of 1. Throws Error(input) where the tensor is no (D,H,W) volume or one of these voxels is NaN or infinite.
DisplayWindow automatic_window(const at::Tensor& voxels_dhw);

}  // namespace pillar
