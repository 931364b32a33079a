// A training step as a plain program writes it: the plain formulation under autograd, everything kept for the
// backward.
#pragma once

#include "pillar/model/atlas_config.h"

#include "runner.h"

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

struct PlainTraining {
  AtlasConfig config;  // of one tower; random weights
  at::Device device = at::kCPU;
  std::string dtype = "fp32";  // or bf16: under autocast, weights and optimiser in float32
  bool channels_last = false;
  std::int64_t batch = 1, steps = 1;  // steps after one that is not counted
};

// Steps on random voxels: readouts and random texts through a linear layer, the contrastive loss in both
// directions, backward, AdamW a list of tensors at a time (at::_foreach_*). Figures as those of a run:
// second_pass_s is forward, loss and backward.
Measurement measure_plain_training(const PlainTraining& training);

}  // namespace pillar::bench
