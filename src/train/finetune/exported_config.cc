#include "train/finetune/exported_config.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/model/model_export.h"
#include "pillar/model/model_folder.h"

namespace pillar {

namespace fs = std::filesystem;

fs::path architecture_file(const FinetuneConfig& config) {
  if (!config.architecture.empty()) return config.architecture;
  const fs::path init = exported_model(config.init);
  std::error_code ignored;
  if (!fs::exists(init, ignored)) fail(ErrorCategory::io, "model.init: {}: no such file or folder", init);
  const fs::path file = (fs::is_directory(init) ? init : init.parent_path()) / "config.json";
  if (!fs::exists(file)) {
    fail(ErrorCategory::input, "{}: has no config.json beside it; say model.architecture", config.init);
  }
  return file;
}

std::string exported_config(const FinetuneConfig& config, const HeadsConfig& heads) {
  const fs::path file = architecture_file(config);
  return tower_config_json(read_text_file(file, 4 << 20), file.string(),
                           {config.tower, heads, config.pad_value, config.axes, config.flip_depth});
}

}  // namespace pillar
