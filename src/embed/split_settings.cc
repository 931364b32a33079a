#include "embed/split_settings.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kMaxBytes = 1 << 20;

std::optional<Settings> read_settings(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  const Json json = Json::parse(read_text_file(file, kMaxBytes), nullptr, false);
  if (!json.is_object()) fail(ErrorCategory::input, "{}: no JSON object", file);
  Settings settings;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail(ErrorCategory::input, "{}: {} is no text", file, key);
    settings[key] = value.get<std::string>();
  }
  return settings;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "unset" : found->second;
}

// "dtype: bf16 then, fp32 now"
std::string differences(const Settings& then, const Settings& now) {
  std::map<std::string, int> keys;
  for (const auto& [key, value] : then) ++keys[key];
  for (const auto& [key, value] : now) ++keys[key];
  std::string text;
  for (const auto& [key, times] : keys) {
    const std::string before = value_of(then, key), after = value_of(now, key);
    if (before != after)
      text += fmt::format("{}{}: '{}' then, '{}' now", text.empty() ? "" : "; ", key, before, after);
  }
  return text;
}

void check_processed(const fs::path& cache, const std::string& split, const std::string& model) {
  for (const ProcessedRow& row : read_processed(cache)) {
    if (row.split == split && row.model_name != model) {
      fail(ErrorCategory::usage,
           "{}: split {} holds embeddings of the model {}, not of {}; choose another --out, or remove them",
           cache, split, row.model_name, model);
    }
  }
  spdlog::warn("{}: split {} holds embeddings without a record of their settings; they are kept as they are",
               cache.string(), split);
}

}  // namespace

void claim_split(const fs::path& cache, const std::string& split, const Settings& settings) {
  const fs::path file = cache / "embeddings" / fmt::format("{}.json", split);
  if (!EmbeddingCache::is_empty(cache, split)) {
    const std::optional<Settings> then = read_settings(file);
    if (!then) check_processed(cache, split, value_of(settings, "model"));
    if (then && *then != settings) {
      fail(ErrorCategory::usage,
           "{}: split {} was embedded otherwise ({}); choose another --out, or remove {}", cache, split,
           differences(*then, settings), cache / "embeddings" / split);
    }
  }
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", file.parent_path(), error.message());
  write_file_atomic(file, Json(settings).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace pillar
