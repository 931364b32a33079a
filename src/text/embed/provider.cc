#include "pillar/text/provider.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/text/report_lines.h"

#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// The table that is there, so that later reports are weighted as the first were; else one of these reports.
HashNgrams weighted_by_reports(const fs::path& cache, const std::vector<fs::path>& json_lines,
                               const HashNgramOptions& options) {
  const fs::path table = cache / kHashNgramFile;
  if (fs::exists(table)) return HashNgrams::load(table, options);
  if (fs::exists(cache / "metadata.json"))
    fail(ErrorCategory::usage, "{}: not made by --provider hash; choose another folder", cache);
  HashNgrams ngrams(options);
  for (const fs::path& file : json_lines)
    for_each_report(file, [&](const ReportLine& line) { ngrams.count(line.report); });
  fs::create_directories(cache);
  ngrams.save(table);
  return ngrams;
}

HashNgrams weighted_like(const fs::path& cache, std::int64_t width) {
  if (cache.empty()) {
    spdlog::warn(
        "--provider hash without --text: all words weigh the same, which is not what a model was trained "
        "with");
    HashNgramOptions options;
    options.width = width;
    return HashNgrams(options);
  }
  const fs::path table = cache / kHashNgramFile;
  if (!fs::exists(table)) {
    fail(ErrorCategory::usage,
         "{}: has no {}: --provider hash needs the folder that pillar-text embed --provider hash wrote",
         cache, kHashNgramFile);
  }
  return HashNgrams::load(table);
}

TextProvider provider_of(HashNgrams ngrams) {
  const auto kept = std::make_shared<const HashNgrams>(std::move(ngrams));
  TextProvider provider;
  provider.embed = [kept](const std::vector<std::string>& texts) { return kept->embed(texts); };
  provider.model_name = "hash-ngrams (not a language model)";
  provider.is_language_model = false;
  provider.run_settings = {{"text provider", "hash"},
                           {"words weighted by reports", std::to_string(kept->reports())}};
  return provider;
}

}  // namespace

TextProvider server_provider(const EmbeddingServerOptions& options) {
  const auto server = std::make_shared<const EmbeddingServer>(options);
  TextProvider provider;
  provider.embed = [server](const std::vector<std::string>& texts) { return server->embed(texts); };
  provider.model_name = options.model;
  provider.run_settings = {{"text provider", "server"}, {"text model", options.model}};
  Json settings = {{"provider", "server"}};
  if (!options.prefix.empty()) {
    settings["prefix"] = options.prefix;
    provider.run_settings["text prefix"] = options.prefix;
  }
  if (!options.body.empty()) {
    settings["body"] = Json::parse(options.body);
    provider.run_settings["text request"] = options.body;
  }
  provider.cache_settings = settings.dump();
  return provider;
}

TextProvider hash_provider(const fs::path& cache, const std::vector<fs::path>& json_lines,
                           const HashNgramOptions& options) {
  HashNgrams ngrams = weighted_by_reports(cache, json_lines, options);
  const std::int64_t reports = ngrams.reports();
  TextProvider provider = provider_of(std::move(ngrams));
  provider.cache_settings =
      Json{
          {"provider", "hash-ngrams"},      {"is_language_model", false},
          {"width", options.width},         {"seed", options.seed},
          {"weighted_by_reports", reports}, {"weights_sha256", sha256_hex(read_file(cache / kHashNgramFile))}}
          .dump();
  return provider;
}

TextProvider hash_provider_like(const fs::path& cache, std::int64_t width) {
  return provider_of(weighted_like(cache, width));
}

void describe_provider(TextEmbedJob& job, const TextProvider& provider) {
  job.model_name = provider.model_name;
  job.settings = provider.cache_settings;
  job.count_tokens = provider.count_tokens;
  if (!provider.is_language_model) job.max_length = 0;
}

}  // namespace pillar
