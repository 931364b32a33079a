#include "pillar/model/model_folder.h"

#include "pillar/core/fail.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

fs::path config_of(const fs::path& model) {
  std::error_code ignored;
  if (!fs::exists(model, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", model);
  const bool folder = fs::is_directory(model);
  const fs::path config = (folder ? model : model.parent_path()) / "config.json";
  if (!fs::exists(config)) {
    fail(ErrorCategory::input,
         "{}: no config.json {} it; weights alone do not say how many heads a model has", model,
         folder ? "in" : "beside");
  }
  return config;
}

}  // namespace

fs::path exported_model(const fs::path& model_or_run) {
  std::error_code ignored;
  const fs::path exported = model_or_run / "export";
  return fs::exists(exported / "config.json", ignored) ? exported : model_or_run;
}

PreprocessSpec ModelFolder::preprocessing(const TowerConfig& tower) const {
  return parse_preprocess_spec(document, tower.modality, tower.size_dhw());
}

std::string ModelFolder::fingerprint() const {
  return weights_fingerprint(path);
}

ModelFolder open_model_folder(const fs::path& model) {
  const fs::path file = config_of(model);
  const Config document = Config::load(file);
  return {model, model_display_name(model), document, parse_atlas_config(document), weight_files(model)};
}

std::vector<Window> tower_windows(const PreprocessSpec& spec, const TowerConfig& tower) {
  std::vector<Window> windows = parse_windows(spec.windows, spec.family);
  if (static_cast<std::int64_t>(windows.size()) != tower.in_chans) {
    fail(ErrorCategory::usage, "windows {} are {}, the tower {} takes {}", spec.windows, windows.size(),
         tower.modality, tower.in_chans);
  }
  return windows;
}

std::string model_display_name(const fs::path& model) {
  std::error_code error;
  fs::path full = fs::weakly_canonical(model, error);
  if (error) full = model;
  if (!full.has_filename()) full = full.parent_path();
  if (fs::is_directory(full, error) || full.stem() != "model")
    return fs::is_directory(full, error) ? full.filename().string() : full.stem().string();
  return full.parent_path().filename().string();
}

}  // namespace pillar
