// Internal: which device a word names.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// cpu, cuda, cuda:N, or auto: cuda where there is one. Throws Error(usage) for another word,
// Error(unsupported) saying what CUDA lacks here.
at::Device parse_device(const std::string& text);

}  // namespace pillar
