// Small volumes of codes for the tests: smooth ones that compress, noise that does not.
#pragma once

#include "pillar/image/volume.h"

#include <ATen/core/Tensor.h>

namespace pillar::test {

at::Tensor smooth_codes(const SizeDhw& size_dhw, int max_code);  // uint16, moves from slice to slice
at::Tensor noise_codes(const SizeDhw& size_dhw, int max_code);   // uint16, the same every time

}  // namespace pillar::test
