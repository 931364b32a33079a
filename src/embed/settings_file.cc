#include "embed/shared/settings_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxSettingsBytes = 1 << 20;

}  // namespace

std::optional<Settings> read_settings(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  const Json json = Json::parse(read_text_file(file, kMaxSettingsBytes), nullptr, false);
  if (!json.is_object()) fail(ErrorCategory::input, "{}: no JSON object", file);
  Settings settings;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail(ErrorCategory::input, "{}: {} is no text", file, key);
    settings[key] = value.get<std::string>();
  }
  return settings;
}

void write_settings(const std::filesystem::path& file, const Settings& settings) {
  std::error_code error;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", file.parent_path(), error.message());
  write_file_atomic(file, Json(settings).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace pillar
