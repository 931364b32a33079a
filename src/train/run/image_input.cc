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
    // Turned where the windows are made, so that they cross the bus once.
    voxels = rotate_in_plane(voxels.to(device_, /*non_blocking=*/true), degrees, pad_value_);
  }
  // What was turned is float32. Of whole numbers it is finite, and the CPU need not wait to know.
  return windowed_image(voxels, windows_, device_, compute_, buffer_, !voxels_bcdhw.is_floating_point());
}

}  // namespace pillar
