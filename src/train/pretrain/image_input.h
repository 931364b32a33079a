// Internal: from a micro-batch's voxels to what the image tower takes.
#pragma once

#include "train/pretrain/pretrain_setup.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Keeps the memory of its last result: fresh pages cost more than the windows do. So a result is good until
// the next call, which must come after its backward.
class ImageInput {
 public:
  ImageInput(const TrainedModality& modality, at::Device device, at::ScalarType compute)
      : modality_(modality), device_(device), compute_(compute) {}
  // (B,C,D,H,W) voxels -> (B, C * windows, D, H, W) in the compute type. Studies are turned by `degrees`
  // first, if any.
  at::Tensor operator()(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees = {});

 private:
  const TrainedModality& modality_;
  at::Device device_;
  at::ScalarType compute_;
  at::Tensor buffer_;
};

}  // namespace pillar
