// The reference that resample() must equal bit for bit: itk::ResampleImageFilter itself.
#pragma once

#include "pillar/image/resample.h"

namespace pillar::test {

Volume itk_resample(const Volume& input, const std::array<double, 3>& target_spacing_xyz_mm,
                    const SizeDhw& size_dhw, Interpolation interpolation);

}  // namespace pillar::test
