#include "train/image_input.h"

#include "pillar/data/rotation.h"
#include "pillar/tokenizer/windowed_volume.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace pillar {

at::Tensor ImageInput::operator()(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees) {
  const at::NoGradGuard no_gradients;
  at::Tensor voxels = voxels_bcdhw;
  if (std::any_of(degrees.begin(), degrees.end(), [](double angle) { return angle != 0; })) {
    // Statistics of the windows are the processor's work, so turned voxels come back from the device.
    const at::Tensor there = voxels.to(device_, /*non_blocking=*/true);
    voxels = rotate_in_plane(there, degrees, modality_.train.spec.pad_value).to(at::kCPU);
  }
  const WindowedVolume windowed(voxels, modality_.windows);
  if (device_.is_cuda()) return windowed.on_cuda(device_, compute_);
  std::vector<std::int64_t> shape = voxels.sizes().vec();
  shape[1] = windowed.channels();
  if (!buffer_.defined() || buffer_.size(0) < shape[0])
    buffer_ = at::empty(shape, at::TensorOptions().dtype(compute_));
  at::Tensor out = buffer_.narrow(0, 0, shape[0]);
  windowed.write_all_bcdhw(out);
  return out;
}

}  // namespace pillar
