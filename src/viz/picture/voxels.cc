#include "viz/picture/voxels.h"

#include <cmath>

namespace pillar::viz {

at::Tensor checked_volume(const at::Tensor& voxels_dhw) {
  if (!voxels_dhw.defined()) fail(ErrorCategory::input, "no volume to show");
  if (voxels_dhw.dim() != 3)
    fail(ErrorCategory::input, "a volume to show has three axes, not {}", voxels_dhw.dim());
  if (voxels_dhw.numel() == 0) {
    fail(ErrorCategory::input, "a volume of {} x {} x {} voxels has nothing to show", voxels_dhw.size(0),
         voxels_dhw.size(1), voxels_dhw.size(2));
  }
  if (!voxels_dhw.device().is_cpu())
    fail(ErrorCategory::unsupported, "a volume to show must be in CPU memory");
  at::Tensor volume = voxels_dhw.contiguous();
  visit_voxels(volume, [](auto) {});
  return volume;
}

void check_spacing(const std::array<double, 3>& spacing_xyz_mm) {
  for (double spacing : spacing_xyz_mm) {
    if (!std::isfinite(spacing) || spacing <= 0) {
      fail(ErrorCategory::input, "voxel spacing {} x {} x {} mm: each must be a number above 0",
           spacing_xyz_mm[0], spacing_xyz_mm[1], spacing_xyz_mm[2]);
    }
  }
}

}  // namespace pillar::viz
