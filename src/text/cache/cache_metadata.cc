#include "text/cache/cache_metadata.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kMaxMetadataBytes = 1ull << 30;
constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr const char* kFiles = "text_to_path";

// A file below the folder, whatever the folder is called: this is another program's text.
bool stays_inside(const fs::path& relative) {
  if (relative.empty() || relative.is_absolute() || !relative.has_filename()) return false;
  return std::none_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
}

CacheMetadata parse_info(const Json& info, const fs::path& file) {
  CacheMetadata metadata;
  const auto width = info.find("embedding_dim");
  if (width == info.end() || !width->is_number_integer())
    fail(ErrorCategory::input, "{}: embedding_dim is missing or no integer", file);
  metadata.width = width->get<std::int64_t>();
  if (metadata.width < 1 || metadata.width > kMaxWidth)
    fail(ErrorCategory::input, "{}: embedding_dim is {}", file, width->dump());
  if (const auto name = info.find("model_name"); name != info.end() && name->is_string())
    metadata.model_name = name->get<std::string>();
  metadata.info = info.dump();
  return metadata;
}

Json parse_object(std::string_view text, const fs::path& file) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) fail(ErrorCategory::input, "{}: no JSON object, it may be truncated", file);
  return json;
}

}  // namespace

fs::path cache_metadata_file(const fs::path& folder) {
  return folder / "metadata.json";
}

std::string vector_file_name(const StudyDigest& study) {
  return fmt::format("embeddings/{}.pt", to_hex(study));
}

CacheMetadata parse_cache_info(std::string_view info, const fs::path& file) {
  return parse_info(parse_object(info, file), file);
}

CacheMetadata read_cache_metadata(const fs::path& folder) {
  const fs::path file = cache_metadata_file(folder);
  Json json = parse_object(read_text_file(file, kMaxMetadataBytes), file);
  const auto found = json.find(kFiles);
  if (found == json.end() || !found->is_object())
    fail(ErrorCategory::input, "{}: {} is missing or no object", file, kFiles);
  const Json files = std::move(*found);
  json.erase(kFiles);
  CacheMetadata metadata = parse_info(json, file);
  metadata.files.reserve(files.size());
  for (const auto& [key, path] : files.items()) {
    const auto digest = parse_digest(key);
    if (!digest)
      fail(ErrorCategory::input, "{}: {}: '{}' is no SHA-256 in hex", file, kFiles, printable(key));
    if (!path.is_string() || !stays_inside(path.get<std::string>())) {
      fail(ErrorCategory::input, "{}: {}: {} is no file below the folder", file, kFiles,
           printable(path.dump()));
    }
    metadata.files.emplace_back(*digest, path.get<std::string>());
  }
  std::sort(metadata.files.begin(), metadata.files.end());
  return metadata;
}

void write_cache_metadata(const fs::path& folder, const std::string& info,
                          const std::vector<StudyDigest>& studies) {
  const fs::path file = cache_metadata_file(folder);
  Json json = parse_object(info, file);
  Json& files = json[kFiles] = Json::object();
  for (const StudyDigest& study : studies) files[to_hex(study)] = vector_file_name(study);
  write_file_atomic(file, json.dump(1) + "\n");
}

}  // namespace pillar
