// Internal: gradients of zero, for whoever waits for every parameter.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A zero that depends on all of them: added to a loss, it gives each of them a gradient.
at::Tensor zero_of(const std::vector<at::Tensor>& parameters);

// A backward of nothing else: the reducer waits for every parameter, also on a rank that has no study.
void backward_of_nothing(const std::vector<at::Tensor>& parameters);

}  // namespace pillar
