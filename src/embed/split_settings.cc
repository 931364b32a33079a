#include "embed/split_settings.h"

#include "pillar/core/fail.h"
#include "pillar/embed/embedding_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

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
    if (!then) check_processed(cache, split, setting(settings, "model"));
    if (then && *then != settings) {
      fail(ErrorCategory::usage,
           "{}: split {} was embedded otherwise ({}); choose another --out, or remove {}", cache, split,
           differences(*then, settings), cache / "embeddings" / split);
    }
  }
  write_settings(file, settings);
}

}  // namespace pillar
