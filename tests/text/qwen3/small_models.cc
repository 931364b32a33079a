#include "text/qwen3/small_models.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/text/qwen3_random.h"

#include <ATen/TensorOperators.h>
#include <nlohmann/json.hpp>

namespace pillar::test {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string small_qwen3_config(const std::string& changes) {
  Json json = {{"model_type", "qwen3"},
               {"vocab_size", 300},
               {"hidden_size", 32},
               {"num_hidden_layers", 2},
               {"num_attention_heads", 4},
               {"num_key_value_heads", 2},
               {"head_dim", 8},
               {"intermediate_size", 48},
               {"rms_norm_eps", 1e-6},
               {"max_position_embeddings", 1024},
               {"torch_dtype", "float32"}};
  json.merge_patch(Json::parse(changes));
  return json.dump(2);
}

void write_small_qwen3(const fs::path& folder, const std::string& changes) {
  write_random_qwen3(folder, small_qwen3_config(changes), "config.json", 7);
  TensorsByName tensors = read_weights(folder);
  for (auto& [name, tensor] : tensors) {
    if (!name.ends_with("norm.weight")) tensor.mul_(10);
  }
  write_weights(folder, tensors);
}

TensorsByName read_weights(const fs::path& folder) {
  const SafetensorsFile file(folder / "model.safetensors");
  TensorsByName tensors;
  for (const auto& [name, entry] : file.entries()) tensors.emplace(name, file.tensor(name).clone());
  return tensors;
}

void write_weights(const fs::path& folder, const TensorsByName& tensors) {
  write_safetensors(folder / "model.safetensors", {tensors.begin(), tensors.end()});
}

void write_in_shards(const fs::path& folder, const TensorsByName& tensors) {
  const char* const names[] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};
  Json map = Json::object();
  std::vector<std::pair<std::string, at::Tensor>> shards[2];
  for (const auto& [name, tensor] : tensors) {
    const std::size_t shard = map.size() % 2;
    map[name] = names[shard];
    shards[shard].emplace_back(name, tensor);
  }
  for (const std::size_t shard : {0, 1}) write_safetensors(folder / names[shard], shards[shard]);
  write_file_atomic(folder / "model.safetensors.index.json", Json{{"weight_map", map}}.dump());
  fs::remove(folder / "model.safetensors");
}

}  // namespace pillar::test
