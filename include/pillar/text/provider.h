// What makes vectors of texts, and what is written down of how: a server with a language model, hashed
// n-grams of words, or a model of our own (qwen3_provider.h).
#pragma once

#include "pillar/text/embedding_server.h"
#include "pillar/text/hash_ngrams.h"
#include "pillar/text/text_embed_job.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

struct TextProvider {
  TextEmbedFunction embed;
  std::string model_name;         // for a cache that it fills
  bool is_language_model = true;  // else there are no tokens, which a language model reads so many of
  // All else that decides what the vectors are: as the settings of a cache (TextEmbedJob), and as those of
  // the record of a run that embeds a few texts.
  std::string cache_settings;
  std::map<std::string, std::string> run_settings;
  // How many tokens the model makes of a text, before any is cut; calls may come from several threads. Empty
  // where that is not known here.
  TextLengthFunction count_tokens = nullptr;
  std::int64_t texts_a_call = 0;  // that are worth a call of embed(); 0: the caller's choice
};

// Throws Error(usage) as EmbeddingServer does.
TextProvider server_provider(const EmbeddingServerOptions& options);

// N-grams weighted by how rare they are in the reports of `json_lines`. The weights are kept in `cache`
// (kHashNgramFile); those that are there already are taken, so that later reports are weighted as the first
// were. Throws what HashNgrams::load() throws, Error(io | input) for reports that do not read, and
// Error(usage) for a cache that another provider made.
TextProvider hash_provider(const std::filesystem::path& cache,
                           const std::vector<std::filesystem::path>& json_lines,
                           const HashNgramOptions& options);

// N-grams weighted as those of `cache`, a folder that hash_provider() was given. Where it is empty all weigh
// the same, `width` numbers wide, and a warning says so. Throws Error(usage) for a folder without weights.
TextProvider hash_provider_like(const std::filesystem::path& cache, std::int64_t width);

// The cache of `job` will be what this provider makes: its name, settings, number of tokens and how to count
// them are set.
void describe_provider(TextEmbedJob& job, const TextProvider& provider);

}  // namespace pillar
