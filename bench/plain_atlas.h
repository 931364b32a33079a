// Atlas as the public code writes it down, in LibTorch's own operators: what the encoder is measured against.
#pragma once

#include "pillar/device/device_clock.h"
#include "pillar/model/encoder.h"
#include "pillar/model/weights.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

// One plane a window, float32: (B,1,D,H,W) integers -> (B,windows,D,H,W). Level and minmax windows only;
// throws Error(unsupported) for others.
at::Tensor plain_windows(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows);

struct PlainHow {
  bool channels_last = false;  // maps as (B,D,H,W,C) in memory, NDHWC; else as their axes are, NCDHW
  bool training = false;       // BatchNorm by the batch's own statistics
};

// The weights as plain_atlas() takes them: on a device, in one format of memory.
WeightMap plain_weights(const WeightMap& weights, at::Device device, const PlainHow& how);

// (B,1,D,H,W) integer voxels -> (B, stages*dim) float32, on the weights' device. Whole tensors throughout:
// all windows at once, every BatchNorm a pass of its own over whole maps (B,C,D,H,W), keys and values of
// coarser scales repeated for each window, scaled_dot_product_attention. `weights` hold what
// expected_weights() lists. `clock` is marked at the beginning and behind windows (with the copy to the
// device), stem and each stage. Throws Error(unsupported) for the patch embeds that plain_embed() does not
// have.
at::Tensor plain_atlas(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                       const AtlasConfig& config, const TowerConfig& tower, const WeightMap& weights,
                       const PlainHow& how, DeviceClock& clock);

}  // namespace pillar::bench
