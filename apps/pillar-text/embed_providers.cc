#include "embed_providers.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/text/report_lines.h"

#include <memory>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// The table that is there, so that later reports are weighted as the first were; else one of these reports.
HashNgrams weighted_ngrams(const EmbedArguments& arguments, const fs::path& table) {
  if (fs::exists(table)) return HashNgrams::load(table, arguments.hash);
  if (fs::exists(arguments.job.cache / "metadata.json")) {
    fail(ErrorCategory::usage, "{}: not made by --provider hash; choose another folder", arguments.job.cache);
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
  const TextEmbedFunction embed = open_text_server(arguments.server, kModelFlag);
  const EmbeddingServerOptions& server = arguments.server.options;
  Json settings = {{"provider", "server"}};
  if (!server.prefix.empty()) settings["prefix"] = server.prefix;
  if (!server.body.empty()) settings["body"] = Json::parse(server.body);
  arguments.job.model_name = server.model;
  arguments.job.settings = settings.dump();
  return embed;
}

TextEmbedFunction hash_provider(EmbedArguments& arguments) {
  const fs::path table = arguments.job.cache / kHashNgramFile;
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
