// Internal: whether planes are evenly spaced, and the even grid that holds all of them if not.
#pragma once

#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_geometry.h"

#include <string>
#include <vector>

namespace pillar {

struct SliceSpacing {
  bool even = true;  // plane k is slice k, or is taken for it
  // Of an even grid: of all planes where they are even, else so fine that none is lost.
  double spacing_mm = 0;
  std::int64_t slices = 0;         // of that grid, from the first plane to the last
  std::vector<double> missing_mm;  // places where a plane is missing from a row of even ones
};

// Adds a note where planes are not even. Throws Error(input), `name` first, where the policy is fail, or
// where more than a tenth of the planes are missing: a step that is about twice a usual one beside it, or
// more, and alone of its size there. Steps that change for good (4 mm below, 8 mm above) are no holes, nor
// are those of planes that lie anyhow. Where they lie so far apart that a grid would be made of hardly any
// plane, that is an error, too.
SliceSpacing judge_spacing(const Stack& stack, GapPolicy policy, const std::string& name, LoadReport& report);

// A plane farther than this from its place is not on the grid: a tenth of the spacing, or of a millimetre
// where slices are thin and positions come rounded to that.
double place_tolerance(double spacing_mm) noexcept;

}  // namespace pillar
