// Internal: metadata.json of a public cache folder.
#pragma once

#include "text/cache/study_digest.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

struct CacheMetadata {
  std::string info;                                        // JSON object: every key but text_to_path
  std::int64_t width = 0;                                  // embedding_dim
  std::string model_name;                                  // empty where it does not say
  std::vector<std::pair<StudyDigest, std::string>> files;  // sorted; path below the folder
};

std::filesystem::path cache_metadata_file(const std::filesystem::path& folder);
std::string vector_file_name(const StudyDigest& study);  // "embeddings/<hash>.pt"

// Throws Error(io | input): no JSON object, no embedding_dim, a key that is no SHA-256, a path that leads out
// of the folder.
CacheMetadata read_cache_metadata(const std::filesystem::path& folder);
// Atomic. Each study has the file of vector_file_name().
void write_cache_metadata(const std::filesystem::path& folder, const std::string& info,
                          const std::vector<StudyDigest>& studies);

// embedding_dim and model_name of `info`; `file` is for messages.
CacheMetadata parse_cache_info(std::string_view info, const std::filesystem::path& file);

}  // namespace pillar
