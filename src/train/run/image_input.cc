#include "train/run/image_input.h"

#include "pillar/data/rotation.h"
#include "pillar/model/image_windows.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

namespace pillar {

at::Tensor ImageInput::operator()(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees) {
  const at::NoGradGuard no_gradients;
  at::Tensor voxels = voxels_bcdhw;
  if (std::any_of(degrees.begin(), degrees.end(), [](double angle) { return angle != 0; })) {
    // Statistics of the windows are the processor's work, so turned voxels come back from the device.
    const at::Tensor there = voxels.to(device_, /*non_blocking=*/true);
    voxels = rotate_in_plane(there, degrees, pad_value_).to(at::kCPU);
  }
  return windowed_image(voxels, windows_, device_, compute_, buffer_);
}

}  // namespace pillar
