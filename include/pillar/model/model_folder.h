// A model on disk: what config.json says of it, and which files hold its weights.
#pragma once

#include "pillar/core/config.h"
#include "pillar/model/atlas_config.h"
#include "pillar/model/preprocess_spec.h"
#include "pillar/nn/weight_files.h"
#include "pillar/windows/window.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// Read once, and given to whatever needs to know of the model (Encoder::load).
struct ModelFolder {
  std::filesystem::path path;  // as it was given: a folder, or a file of weights with config.json beside it
  std::string name;            // model_display_name(path)
  Config document;             // config.json, for the blocks that are not the network's
  AtlasConfig config;          // what it says of the network; its towers are config.towers
  std::vector<std::filesystem::path> weight_files;  // what load_weights(path) reads

  // What a tower expects of its voxels: the block preprocess.<its modality> of config.json, or the public
  // defaults. Throws what parse_preprocess_spec() throws.
  PreprocessSpec preprocessing(const TowerConfig& tower) const;

  // SHA-256 of the weights; weights_fingerprint(path).
  std::string fingerprint() const;
};

// `model`: a folder with config.json and weights as weight_files() finds them, or one file of weights with
// config.json beside it. Nothing of the weights is read. Throws Error(input) without a config.json, and what
// load_atlas_config() and weight_files() throw.
ModelFolder open_model_folder(const std::filesystem::path& model);

// What a path means where a run of pillar-train may stand for the model that it made: the folder export/ of a
// run's folder, else the path itself.
std::filesystem::path exported_model(const std::filesystem::path& model_or_run);

// The windows that a tower sees voxels through. Throws Error(usage): a name that is no window, another number
// of them than the tower has channels.
std::vector<Window> tower_windows(const PreprocessSpec& spec, const TowerConfig& tower);

// What a model is called in processed.csv: its folder's name, or a file's that says more than "model".
std::string model_display_name(const std::filesystem::path& model);

}  // namespace pillar
