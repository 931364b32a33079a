// One global batch of 12 studies on a small model, split as the caller likes.
#pragma once

#include "pillar/train/world.h"

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::test {

// Gradients of every parameter and "loss". `micro_batches` of each rank; 12 / ranks / micro_batches studies
// each. BatchNorm by its running statistics, dropout off: nothing depends on the split but rounding.
std::map<std::string, at::Tensor> contrastive_case(const World& world, std::int64_t micro_batches);

}  // namespace pillar::test
