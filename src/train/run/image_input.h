// Internal: from a micro-batch's voxels to what the image tower takes.
#pragma once

#include "pillar/windows/window.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Keeps the memory of its last result: fresh pages cost more than the windows do. So a result is good until
// the next call, which must come after its backward.
class ImageInput {
 public:
  // `pad_value`: what lies outside of a study that is turned, in its own units.
  ImageInput(std::vector<Window> windows, double pad_value, at::Device device, at::ScalarType compute)
      : windows_(std::move(windows)), pad_value_(pad_value), device_(device), compute_(compute) {}
  // (B,C,D,H,W) voxels -> (B, C * windows, D, H, W) in the compute type. Studies are turned by `degrees`
  // first, if any.
  at::Tensor operator()(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees = {});

 private:
  std::vector<Window> windows_;
  double pad_value_;
  at::Device device_;
  at::ScalarType compute_;
  at::Tensor buffer_;
};

}  // namespace pillar
