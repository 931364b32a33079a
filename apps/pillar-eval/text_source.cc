#include "text_source.h"

#include "pillar/core/fail.h"
#include "pillar/text/hash_ngrams.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFlag = "--model-name";

HashNgrams weighted_ngrams(const fs::path& text_cache, std::int64_t width) {
  if (text_cache.empty()) {
    spdlog::warn(
        "--provider hash without --text: all words weigh the same, which is not what a model was trained "
        "with");
    HashNgramOptions options;
    options.width = width;
    return HashNgrams(options);
  }
  const fs::path table = text_cache / kHashNgramFile;
  if (!fs::exists(table)) {
    fail(ErrorCategory::usage,
         "{}: has no {}: --provider hash needs the folder that pillar-text embed --provider hash wrote",
         text_cache, kHashNgramFile);
  }
  return HashNgrams::load(table);
}

}  // namespace

void add_text_source(CLI::App& command, TextSource& source) {
  command
      .add_option("--provider", source.provider,
                  "what embeds texts: server, or hash: no language model, for demos and tests")
      ->check(CLI::IsMember({"server", "hash"}))
      ->capture_default_str();
  add_text_server_options(command, source.server, kModelFlag);
}

at::Tensor embed_from_source(TextSource& source, const std::vector<NamedText>& texts,
                             const fs::path& text_cache, std::int64_t width,
                             std::map<std::string, std::string>& settings) {
  settings["text provider"] = source.provider;
  if (source.provider == "hash") {
    const HashNgrams ngrams = weighted_ngrams(text_cache, width);
    settings["words weighted by reports"] = std::to_string(ngrams.reports());
    return embed_texts(texts, [&](const std::vector<std::string>& some) { return ngrams.embed(some); });
  }
  const TextEmbedFunction embed = open_text_server(source.server, kModelFlag);
  settings["text model"] = source.server.options.model;
  if (!source.server.options.prefix.empty()) settings["text prefix"] = source.server.options.prefix;
  if (!source.server.options.body.empty()) settings["text request"] = source.server.options.body;
  return embed_texts(texts, embed);
}

}  // namespace pillar
