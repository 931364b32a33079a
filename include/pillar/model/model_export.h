// One tower of a model, with its heads where it has any, as a folder of its own in the released layout.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/model/preprocess_spec.h"
#include "pillar/nn/weight_files.h"

#include <filesystem>
#include <optional>
#include <string>

namespace pillar {

// What becomes of a configuration when one tower leaves it.
struct TowerExport {
  std::string tower;                 // its modality; empty: the only one
  std::optional<HeadsConfig> heads;  // the block "finetune"; unset: without it
  // Changes to what the model says of its voxels.
  std::optional<double> pad_value;
  std::optional<std::string> axes;  // of parse_model_axes()
  std::optional<bool> flip_depth;
};

// The architecture's document with that tower alone. Throws Error(input | usage) naming `source`: no
// architecture, a tower that is not there, several of which none is named.
std::string tower_config_json(const std::string& architecture_json, const std::string& source,
                              const TowerExport& changes);

struct ConvertedModel {
  std::string config_json;
  WeightMap weights;  // views of the checkpoint where it holds float32
  std::string tower;
  std::optional<HeadsConfig> heads;
  PreprocessSpec spec;
};

// The tower and the heads of a checkpoint that load_weights() reads. Heads are those of `changes`, else of
// the architecture's block "finetune", else of infer_heads_config(); weights without heads stay without.
// Throws what these throw, and Error(input) that lists the tensors which the architecture wants otherwise.
ConvertedModel convert_model(const std::filesystem::path& checkpoint,
                             const std::filesystem::path& architecture, TowerExport changes);

// Throws Error(usage) where write_checkpoint(folder) would replace what it should not: anything at all unless
// `overwrite`; then a folder that holds more than a model, for it is somebody's.
void check_model_target(const std::filesystem::path& folder, bool overwrite);

}  // namespace pillar
