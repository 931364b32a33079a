// Small random text models on disk, whole or changed, for the tests of this folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::test {

// config.json of two layers of width 32, four heads of 8 on two key heads, 300 tokens; `changes` is a JSON
// object merged into it.
std::string small_qwen3_config(const std::string& changes = "{}");

// write_random_qwen3() of it, with weights ten times as large, so that attention is more than a mean.
void write_small_qwen3(const std::filesystem::path& folder, const std::string& changes = "{}");

using TensorsByName = std::map<std::string, at::Tensor>;
TensorsByName read_weights(const std::filesystem::path& folder);  // copies
void write_weights(const std::filesystem::path& folder, const TensorsByName& tensors);
// In two shards with an index; model.safetensors is removed.
void write_in_shards(const std::filesystem::path& folder, const TensorsByName& tensors);

}  // namespace pillar::test
