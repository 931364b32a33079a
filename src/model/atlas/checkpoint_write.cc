#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/weights.h"

#include <fmt/format.h>

namespace pillar {

void write_checkpoint(const std::filesystem::path& folder, const std::string& config_json,
                      const WeightMap& weights) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : weights) tensors.emplace_back(fmt::format("model.{}", name), tensor);
  PartialPath partial(folder);
  std::error_code error;
  std::filesystem::create_directories(partial.path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
  write_file_atomic(partial.path() / "config.json", config_json);
  write_safetensors(partial.path() / "model.safetensors", tensors, {{"format", "pt"}});
  partial.commit();
}

}  // namespace pillar
