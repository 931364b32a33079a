// Internal: one .pt file of a public cache, a dict {category: vector}.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// Tensors by category, as stored. Throws Error(io | input | unsupported) naming the file.
std::map<std::string, at::Tensor> read_vector_file(const std::filesystem::path& file);

// The bytes that torch.save() makes of such a dict, which torch.load(weights_only=True) reads. The tensors
// are dense and on the CPU.
Bytes format_vector_file(const std::map<std::string, at::Tensor>& vectors);

}  // namespace pillar
