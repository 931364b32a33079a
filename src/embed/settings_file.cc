#include "embed/shared/settings_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include <fmt/format.h>
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

std::string setting(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "unset" : found->second;
}

std::string differences(const Settings& then, const Settings& now) {
  Settings both = then;
  both.insert(now.begin(), now.end());
  std::string text;
  for (const auto& [key, value] : both) {
    const std::string before = setting(then, key), after = setting(now, key);
    if (before != after)
      text += fmt::format("{}{}: '{}' then, '{}' now", text.empty() ? "" : "; ", key, before, after);
  }
  return text;
}

}  // namespace pillar
