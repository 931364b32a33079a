// Whether a volume's values are what its windows take them for.
#pragma once

#include "pillar/windows/window.h"

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class ValueLook {
  hounsfield,   // CT: as it should be
  lifted_air,   // CT: the scale of the published 10-bit stream, air near -768 (docs/formats.md, "rave10")
  offset_1024,  // CT: HU + 1024
  constant,     // one value everywhere
  foreign,      // CT: some other scale
  signal,       // MR and X-ray: the values have no unit to be wrong in
};

struct ValueCheck {
  ValueLook look = ValueLook::signal;
  bool warning = false;  // the windows will not show what they should
  std::string message;   // one line, with the numbers it is judged by
};

// voxels: any shape, on the CPU; int16, uint16 or float32. A judgement from the distribution of values, never
// certain. Throws Error(input) for an empty volume, another dtype, and a NaN or infinite voxel.
ValueCheck check_values(const at::Tensor& voxels, WindowFamily family);

}  // namespace pillar
