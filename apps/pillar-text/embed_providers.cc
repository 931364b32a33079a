#include "embed_providers.h"

#include "pillar/core/error.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/text/report_lines.h"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kUsualKey = "OPENAI_API_KEY";

std::string api_key(const std::string& name) {
  const char* value = std::getenv(name.empty() ? kUsualKey : name.c_str());
  if (value != nullptr) return value;
  if (name.empty()) return {};
  throw Error(ErrorCategory::usage, fmt::format("--api-key-env: there is no environment variable {}", name));
}

// The table that is there, so that later reports are weighted as the first were; else one of these reports.
HashNgrams weighted_ngrams(const EmbedArguments& arguments, const fs::path& table) {
  if (fs::exists(table)) return HashNgrams::load(table, arguments.hash);
  if (fs::exists(arguments.job.cache / "metadata.json")) {
    throw Error(ErrorCategory::usage, fmt::format("{}: not made by --provider hash; choose another folder",
                                                  arguments.job.cache.string()));
  }
  HashNgrams ngrams(arguments.hash);
  for (const fs::path& file : arguments.job.json_lines)
    for_each_report(file, [&](const ReportLine& line) { ngrams.count(line.report); });
  fs::create_directories(table.parent_path());
  ngrams.save(table);
  return ngrams;
}

}  // namespace

TextEmbedFunction server_provider(EmbedArguments& arguments) {
  if (arguments.server.url.empty() || arguments.server.model.empty())
    throw Error(ErrorCategory::usage, "--provider server needs --url and --model");
  arguments.server.api_key = api_key(arguments.api_key_env);
  auto server = std::make_shared<const EmbeddingServer>(arguments.server);
  Json settings = {{"provider", "server"}};
  if (!arguments.server.prefix.empty()) settings["prefix"] = arguments.server.prefix;
  if (!arguments.server.body.empty()) settings["body"] = Json::parse(arguments.server.body);
  arguments.job.model_name = arguments.server.model;
  arguments.job.settings = settings.dump();
  return [server](const std::vector<std::string>& texts) { return server->embed(texts); };
}

TextEmbedFunction hash_provider(EmbedArguments& arguments) {
  const fs::path table = arguments.job.cache / "hash-ngrams.safetensors";
  auto ngrams = std::make_shared<const HashNgrams>(weighted_ngrams(arguments, table));
  arguments.job.model_name = "hash-ngrams (not a language model)";
  arguments.job.max_length = 0;
  arguments.job.settings = Json{{"provider", "hash-ngrams"},
                                {"is_language_model", false},
                                {"width", arguments.hash.width},
                                {"seed", arguments.hash.seed},
                                {"weighted_by_reports", ngrams->reports()},
                                {"weights_sha256", sha256_hex(read_file(table))}}
                               .dump();
  return [ngrams](const std::vector<std::string>& texts) { return ngrams->embed(texts); };
}

}  // namespace pillar
