#include "text_source.h"

#include "pillar/text/provider.h"
#include "pillar/text/qwen3_provider.h"

namespace pillar {
namespace {

constexpr const char* kModelFlag = "--model-name";
constexpr const char* kFolderFlag = "--model-text";

TextProvider provider_of(const TextSource& source, const std::filesystem::path& text_cache,
                         std::int64_t width) {
  if (source.provider == "hash") return hash_provider_like(text_cache, width);
  if (source.provider == "qwen3") return qwen3_provider(text_model_options(source.model, kFolderFlag));
  return server_provider(text_server_options(source.server, kModelFlag));
}

}  // namespace

void add_text_source(CLI::App& command, TextSource& source) {
  command
      .add_option("--provider", source.provider,
                  "what embeds texts: server; qwen3: a model in a folder, computed here; hash: no language "
                  "model, for demos and tests")
      ->check(CLI::IsMember({"server", "qwen3", "hash"}))
      ->capture_default_str();
  command.add_option(kFolderFlag, source.model.options.model, "config.json, tokenizer.json and weights")
      ->type_name("DIR")
      ->group(kTextModelGroup);
  command
      .add_option("--max-length", source.model.options.compute.longest_text, "tokens that are read of a text")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str()
      ->group(kTextModelGroup);
  add_text_model_options(command, source.model);
  add_text_server_options(command, source.server, kModelFlag);
}

at::Tensor embed_from_source(const TextSource& source, const std::vector<NamedText>& texts,
                             const std::filesystem::path& text_cache, std::int64_t width,
                             std::map<std::string, std::string>& settings) {
  const TextProvider provider = provider_of(source, text_cache, width);
  for (const auto& [name, value] : provider.run_settings) settings[name] = value;
  return embed_texts(texts, provider.embed);
}

}  // namespace pillar
