// What a cache of report embeddings holds, and what it lacks.
#pragma once

#include "pillar/text/text_cache.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct TextCategoryInfo {
  std::string name;
  std::int64_t studies = 0;
  double min_norm = 0, mean_norm = 0, max_norm = 0;  // Euclidean
};

struct TextCacheInfo {
  bool packed = false;                          // one file; else a folder
  std::string model_name, dataset_name, split;  // as metadata.json has them; empty where it does not
  std::int64_t studies = 0;
  std::int64_t width = 0;
  std::vector<TextCategoryInfo> categories;  // sorted by name
  std::int64_t broken = 0;                   // studies with a vector that does not read
  std::vector<std::string> faults;           // of the first ten of them
};

// Reads every vector. Throws Error(io | input) only where there is no cache to read.
TextCacheInfo describe_text_cache(const std::filesystem::path& cache, bool quiet = false);

// Studies named by JSON lines ({"sample_name", ...}) that the cache does not have, in their order. Throws
// Error(io | input) naming file and line.
std::vector<std::string> studies_without_text(const TextCache& cache,
                                              const std::filesystem::path& json_lines);

}  // namespace pillar
