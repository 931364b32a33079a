// The tensors of a checkpoint under their public names (docs/formats.md, "State dict").
#pragma once

#include "pillar/model/atlas_config.h"
#include "pillar/nn/parameters.h"
#include "pillar/nn/weight_files.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A model's WeightMap has canonical names, without what a trainer puts in front:
// "visual.patch_embeds.<modality>.conv_down.0.weight", "visual.atlas_models.<stage>.blocks.<i>...",
// "logit_scale", "text.proj.weight".

// How a tensor starts in a model that has not been trained.
enum class WeightInit {
  zeros,
  ones,
  linear,          // truncated normal, sd 0.02
  convolution,     // Kaiming normal, fan out
  uniform_fan_in,  // bound 1/sqrt(fan in), LibTorch's default of a layer that says nothing
  uniform_fans,    // bound sqrt(6 / (fan in + fan out)): Xavier's
  normal,          // sd 1
  upper_triangle,  // 1 on and above the diagonal
  logit_scale,     // ln(1/0.07)
  step_count,      // int64 scalar 0: num_batches_tracked
};
struct WeightSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  WeightInit init;
  bool used = true;  // false: part of the public layout, but no pass of this tower reads it
  ParameterKind kind = ParameterKind::trainable;
};

// Every tensor that a tower needs: its patch embed and the stages, which all towers share.
std::vector<WeightSpec> expected_weights(const AtlasConfig& config, const TowerConfig& tower,
                                         PatchEmbedKind kind);

// From `tower.patch_embed` if set, else from the shapes and the patch size. Throws Error(input) where none
// fits or the override contradicts the weights.
PatchEmbedKind infer_patch_embed(const TowerConfig& tower, const WeightMap& weights);

// A folder (model.safetensors, model.safetensors.index.json, or its only .safetensors, .pt, .pth or .ckpt
// file) or one such file. Known prefixes are taken off; 16-bit floats become float32; a 2-D tensor dim_out x
// dim_text of unknown name that is no part of the vision tower is text.proj.weight; num_batches_tracked is
// int64 whatever it was stored as, and 0 where it is not there; tensors of a type that no weight has stay as
// they are (check_weights() says so where one is expected). Throws Error(io | input): a broken file, a tensor
// twice, a NaN or infinite weight by name.
WeightMap load_weights(const std::filesystem::path& model);

// Throws Error(input) with one message that lists every missing, surplus (of this tower, the stages, and the
// heads where any is expected) and misshapen tensor.
void check_weights(const WeightMap& weights, const std::vector<WeightSpec>& expected,
                   const std::string& source);

// Same seed, same bits. Towers' kinds: `patch_embed`, else the default of the modality's name.
WeightMap random_weights(const AtlasConfig& config, std::uint64_t seed);
// One tensor as random_weights() draws it: its bits depend on seed, name and shape. A bias of uniform_fan_in
// needs its layer and is none of these.
at::Tensor random_weight(const WeightSpec& spec, std::uint64_t seed);

// A folder in released layout: config.json and model.safetensors with the prefix "model.". Atomic.
void write_checkpoint(const std::filesystem::path& folder, const std::string& config_json,
                      const WeightMap& weights);

}  // namespace pillar
