// Tensors in a fixed order, each with its name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

}  // namespace pillar
