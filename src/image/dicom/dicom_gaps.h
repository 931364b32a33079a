// Internal: from where the planes lie to the even grid that a Volume has.
#pragma once

#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_geometry.h"

#include <cstddef>
#include <string>
#include <vector>

namespace pillar {

// A slice of the volume: plane `lower`, or `weight` of the way from it to the next plane, `upper`.
struct PlannedSlice {
  std::size_t lower = 0;
  std::size_t upper = 0;
  double weight = 0;
};

struct SlicePlan {
  double spacing_mm = 0;
  std::vector<PlannedSlice> slices;
};

// Adds notes and filled positions to the report. Throws Error(input), `name` first, where the policy is
// fail, or more than a tenth of the slices would have to be made up.
SlicePlan plan_slices(const Stack& stack, GapPolicy policy, const std::string& name, LoadReport& report);

}  // namespace pillar
