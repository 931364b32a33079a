#include "text_source.h"

#include "pillar/text/provider.h"

namespace pillar {
namespace {

constexpr const char* kModelFlag = "--model-name";

}  // namespace

void add_text_source(CLI::App& command, TextSource& source) {
  command
      .add_option("--provider", source.provider,
                  "what embeds texts: server, or hash: no language model, for demos and tests")
      ->check(CLI::IsMember({"server", "hash"}))
      ->capture_default_str();
  add_text_server_options(command, source.server, kModelFlag);
}

at::Tensor embed_from_source(const TextSource& source, const std::vector<NamedText>& texts,
                             const std::filesystem::path& text_cache, std::int64_t width,
                             std::map<std::string, std::string>& settings) {
  const TextProvider provider = source.provider == "hash"
                                    ? hash_provider_like(text_cache, width)
                                    : server_provider(text_server_options(source.server, kModelFlag));
  for (const auto& [name, value] : provider.run_settings) settings[name] = value;
  return embed_texts(texts, provider.embed);
}

}  // namespace pillar
