// Internal: the tensors of a Qwen3 model under the names that its layers read.
#pragma once

#include "pillar/nn/weight_files.h"
#include "pillar/text/qwen3_config.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct Qwen3Tensor {
  std::string name;  // without the "model." that most files put in front: "layers.0.mlp.up_proj.weight"
  std::vector<std::int64_t> shape;
};

// Every tensor that the decoder reads: the embedding table, the layers in order, the last norm.
std::vector<Qwen3Tensor> qwen3_tensors(const Qwen3Config& config);

// Exactly those of `model`, as views of the mapped files, float32, bfloat16 or float16 as stored. An lm_head
// is left alone. Everything is read once to be checked, and its pages are given back. Throws what
// read_weight_files() throws, and Error(input) with one message that lists every tensor that is missing, of
// another shape or type, too many among the layers, or has NaN or infinite numbers.
WeightMap load_qwen3_weights(const std::filesystem::path& model, const Qwen3Config& config,
                             MappedFiles& files);

}  // namespace pillar
