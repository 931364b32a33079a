#include "pillar/embed/split_maker.h"

#include "embed/shared/settings_file.h"

namespace pillar {

std::optional<SplitMaker> maker_of_split(const std::filesystem::path& cache, const std::string& split) {
  std::optional<Settings> settings = read_settings(cache / "embeddings" / (split + ".json"));
  if (!settings) return std::nullopt;
  for (const char* name : {"format", "model"}) settings->erase(name);
  return settings;
}

}  // namespace pillar
