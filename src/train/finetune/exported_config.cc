#include "train/finetune/exported_config.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/model/atlas_config.h"

#include <nlohmann/json.hpp>

namespace pillar {

namespace fs = std::filesystem;

fs::path init_weights(const fs::path& init) {
  const fs::path exported = init / "export";
  return fs::exists(exported / "config.json") ? exported : init;
}

fs::path architecture_file(const FinetuneConfig& config) {
  if (!config.architecture.empty()) return config.architecture;
  const fs::path init = init_weights(config.init);
  const fs::path file = (fs::is_directory(init) ? init : init.parent_path()) / "config.json";
  if (!fs::exists(file)) {
    fail(ErrorCategory::input, "{}: has no config.json beside it; say model.architecture", config.init);
  }
  return file;
}

std::string exported_config(const FinetuneConfig& config, const HeadsConfig& heads) {
  const fs::path file = architecture_file(config);
  const std::string text = read_text_file(file, 4 << 20);
  const std::string tower = parse_atlas_config(Config::parse(text, file)).tower(config.tower).modality;
  try {
    auto document = nlohmann::ordered_json::parse(text);
    const auto own = document["modalities"][tower];
    document["modalities"] = {{tower, own}};
    if (document.contains("preprocess")) {
      const auto block = document["preprocess"].value(tower, nlohmann::ordered_json::object());
      document["preprocess"] = {{tower, block}};
    }
    if (config.pad_value) document["preprocess"][tower]["pad_value"] = *config.pad_value;
    if (config.flip_depth) document["preprocess"][tower]["flip_depth"] = *config.flip_depth;
    return with_heads_config(document.dump(2) + "\n", heads);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: {}", file, error.what());
  }
}

}  // namespace pillar
