#include "pillar/model/model_export.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/model/atlas_config.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/model_folder.h"
#include "pillar/model/weights.h"

#include "model/heads/head_weights.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestDocument = 4 << 20;

std::optional<HeadsConfig> heads_of_checkpoint(const WeightMap& weights, const Config& architecture,
                                               const std::string& source) {
  if (weights_below(weights, "pool.").empty() && weights_below(weights, "head_models.").empty()) return {};
  const Config block = architecture.get("finetune");
  return block.exists() ? parse_heads_config(block) : infer_heads_config(weights, source);
}

// The first names of a checkpoint of something else say what it is.
void require_atlas(const WeightMap& weights, const fs::path& checkpoint) {
  if (!weights_below(weights, "visual.").empty()) return;
  fail(
      ErrorCategory::input,
      "{}: a checkpoint of another architecture: none of its {} tensors is one of an Atlas tower (visual.*), "
      "the first is {}",
      checkpoint, weights.size(), printable(weights.begin()->first));
}

PatchEmbedKind patch_embed_of(const TowerConfig& tower, const WeightMap& weights, const std::string& source) {
  try {
    return infer_patch_embed(tower, weights);
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::input) throw;
    fail(ErrorCategory::input, "{}: a checkpoint of another architecture: {}", source, error.what());
  }
}

WeightMap tower_and_heads_of(const WeightMap& weights, const AtlasConfig& config, const TowerConfig& tower,
                             const std::optional<HeadsConfig>& heads, const std::string& source) {
  std::vector<WeightSpec> expected = expected_weights(config, tower, patch_embed_of(tower, weights, source));
  if (heads) {
    const std::vector<WeightSpec> on_top = expected_head_weights(config.readout_width(), *heads);
    expected.insert(expected.end(), on_top.begin(), on_top.end());
  }
  check_weights(weights, expected, source);
  WeightMap own;
  for (const WeightSpec& spec : expected) own.emplace(spec.name, weights.at(spec.name));
  return own;
}

}  // namespace

std::string tower_config_json(const std::string& architecture_json, const std::string& source,
                              const TowerExport& changes) {
  const AtlasConfig config = parse_atlas_config(Config::parse(architecture_json, source));
  const std::string tower = config.tower(changes.tower).modality;
  if (changes.pad_value && !std::isfinite(*changes.pad_value))
    fail(ErrorCategory::usage, "the fill of padding, {}, is no number of HU", *changes.pad_value);
  try {
    auto document = nlohmann::ordered_json::parse(architecture_json);
    const auto own = document["modalities"][tower];
    document["modalities"] = {{tower, own}};
    if (document.contains("preprocess")) {
      const auto block = document["preprocess"].value(tower, nlohmann::ordered_json::object());
      document["preprocess"] = {{tower, block}};
    }
    if (changes.pad_value) document["preprocess"][tower]["pad_value"] = *changes.pad_value;
    if (changes.axes) {
      parse_model_axes(*changes.axes);
      document["preprocess"][tower]["axes"] = *changes.axes;
    }
    if (changes.flip_depth) document["preprocess"][tower]["flip_depth"] = *changes.flip_depth;
    document.erase("finetune");
    const std::string text = document.dump(2) + "\n";
    return changes.heads ? with_heads_config(text, *changes.heads) : text;
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: {}", source, error.what());
  }
}

ConvertedModel convert_model(const fs::path& checkpoint, const fs::path& architecture, TowerExport changes) {
  const std::string json = read_text_file(architecture, kLargestDocument);
  const Config document = Config::parse(json, architecture);
  const AtlasConfig config = parse_atlas_config(document);
  const TowerConfig& tower = config.tower(changes.tower);
  const WeightMap weights = load_weights(checkpoint);
  require_atlas(weights, checkpoint);
  if (!changes.heads) changes.heads = heads_of_checkpoint(weights, document, checkpoint.string());
  ConvertedModel model;
  model.weights = tower_and_heads_of(weights, config, tower, changes.heads, checkpoint.string());
  model.tower = tower.modality;
  model.heads = changes.heads;
  model.config_json = tower_config_json(json, architecture.string(), changes);
  model.spec =
      parse_preprocess_spec(Config::parse(model.config_json, architecture), tower.modality, tower.size_dhw());
  tower_windows(model.spec, tower);
  return model;
}

void check_model_target(const fs::path& folder, bool overwrite) {
  if (!fs::exists(folder)) return;
  if (!overwrite) fail(ErrorCategory::usage, "{}: there already; --overwrite replaces it", folder);
  if (!fs::is_directory(folder)) fail(ErrorCategory::usage, "{}: not a folder", folder);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "config.json" || name == "model.safetensors" || name == "tokenizer.json") continue;
    fail(ErrorCategory::usage, "{}: not replaced, for it holds {}, which is no part of a model", folder,
         name);
  }
}

}  // namespace pillar
