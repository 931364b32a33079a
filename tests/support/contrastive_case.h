// One global batch of 12 studies on a small model, split as the caller likes.
#pragma once

#include "pillar/train/contrastive.h"
#include "pillar/world/world.h"

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::test {

// Gradients of every parameter and "loss". `micro_batches` of each rank; 12 / ranks / micro_batches studies
// each. BatchNorm by its running statistics, or by the batch's over all processes; dropout off: nothing
// depends on the split into processes but rounding. The running statistics are among the results. Some of the
// studies have the same report, which `options` say what to make of.
std::map<std::string, at::Tensor> contrastive_case(const World& world, std::int64_t micro_batches,
                                                   bool batch_statistics = false,
                                                   const ContrastiveOptions& options = {});

}  // namespace pillar::test
