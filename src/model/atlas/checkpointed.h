// Parts of a network that keep nothing but their inputs, and are computed again in the backward.
#pragma once

#include "model/atlas/block.h"

#include <functional>
#include <vector>

namespace pillar {

// A part of a network, from its inputs to its outputs, which are new tensors. It is run twice: first without
// gradients, then, `again`, with them, and gives the same numbers both times. It owns what it reads, or what
// it reads outlives the backward.
using NetworkPart = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& inputs, bool again)>;

// The part's outputs, for which only `inputs` are kept. `parameters`: every other tensor that it reads and
// that may want a gradient.
std::vector<at::Tensor> run_checkpointed(const NetworkPart& part, const std::vector<at::Tensor>& inputs,
                                         const std::vector<at::Tensor>& parameters);

// A whole block, which outlives the backward.
void run_checkpointed(const AtlasBlock& block, ScaleTokens& scales, const PassOptions& pass);

}  // namespace pillar
