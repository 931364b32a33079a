// The heads of finetuning one by one, for maps and vectors of any size: each reads its weights by their
// official names, and works without a tower.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/nn/execution.h"
#include "pillar/nn/parameters.h"
#include "pillar/nn/weight_files.h"

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// The heads below keep the tensors of `weights` that they read (not copies), and add them to `list` where one
// is given. They throw Error(input) that begins with `source` and lists what is missing, surplus or misshapen
// among the tensors of their prefix.

// MultiAttentionPool, names pool.*: from the maps of all scales to one vector, and where it looked. Computed
// in float32 (float64 for maps of float64). The map is read in place, a few planes at a time, and its
// gradient is written once: nothing else of its size is made.
class AttentionPool {
 public:
  AttentionPool(const WeightMap& weights, const std::string& source, Parameters* list = nullptr);
  // activ_bctyx: (B, C, T, Y, X) of any float type. `stride`: of the convolution along T. Throws Error(input)
  // for another shape.
  PoolOutput operator()(const at::Tensor& activ_bctyx, std::int64_t stride = 1) const;
  std::int64_t channels() const { return hidden_weight_.size(0); }

 private:
  at::Tensor plane_weight_, plane_bias_;      // image_pool1.attention_fc
  at::Tensor volume1_weight_, volume1_bias_;  // volume_pool1.attention_fc
  at::Tensor convolution_;                    // volume_pool2.conv1d, (C, C, kernel)
  at::Tensor volume2_weight_, volume2_bias_;  // volume_pool2.aggregate.attention_fc
  at::Tensor hidden_weight_, hidden_bias_;    // hidden_fc, (C, 3 C)
};

// CumulativeProbabilityLayer, names head_models.survival.*: the logit of an event until year j is a base plus
// the sum of non-negative hazards of the years up to j. The triangular mask is a buffer.
class HazardHead {
 public:
  HazardHead(const WeightMap& weights, const std::string& source, Parameters* list = nullptr);
  // features_bc: (B, C); returns (B, years) float32.
  at::Tensor operator()(const at::Tensor& features_bc) const;

 private:
  at::Tensor hazard_weight_, hazard_bias_, base_weight_, base_bias_;
  at::Tensor mask_;  // (years, years), [i][j] is 1 where i <= j
};

// Names head_models.classification.*: linear (fc), or a hidden layer with GELU before it (hidden, fc).
class ClassificationHead {
 public:
  ClassificationHead(const WeightMap& weights, const std::string& source, Parameters* list = nullptr);
  // features_bc: (B, C); returns (B, outputs) float32. `dropout` before the last layer, drawn from `seed`; 0
  // outside training.
  at::Tensor operator()(const at::Tensor& features_bc, double dropout = 0, std::uint64_t seed = 0) const;

 private:
  at::Tensor hidden_weight_, hidden_bias_;  // undefined: linear
  at::Tensor weight_, bias_;
};

struct DetectionPass {
  Execution execution = {};
  bool train = false;      // dropout
  std::uint64_t seed = 0;  // of every draw of dropout: the same seed drops the same elements again
};

// DETR3D, names head_models.detr.*. The encoder's attention over all T * Y * X tokens is never materialised,
// with dropout neither.
class DetectionHead {
 public:
  // Of `config` only heads and dropout count; the rest is read off the weights. Throws Error(input) also for
  // heads that do not divide the width, and a width that is no multiple of 16.
  DetectionHead(const DetectionHeadConfig& config, const WeightMap& weights, const std::string& source,
                Parameters* list = nullptr);
  // activ_bctyx: (B, C, T, Y, X) with T = Y, which the public code's positions need. Throws Error(input) for
  // another shape.
  DetectionOutput operator()(const at::Tensor& activ_bctyx, const DetectionPass& pass) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;  // nothing of it changes
};

// The detection head's sine and cosine positions: (frames * side * side, width) float32, frame by frame. The
// public code gives row n to token n although the tokens lie in the order (T, Y, X) = (side, side, frames);
// released heads were trained on that. `width` is a multiple of 16.
at::Tensor detection_positions(std::int64_t side, std::int64_t frames, std::int64_t width);

}  // namespace pillar
