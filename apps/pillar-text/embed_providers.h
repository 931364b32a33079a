// What makes vectors of reports, from the words of the command line.
#pragma once

#include "pillar/text/embedding_server.h"
#include "pillar/text/hash_ngrams.h"
#include "pillar/text/text_embed_job.h"

#include <string>

namespace pillar {

struct EmbedArguments {
  TextEmbedJob job;
  std::string provider = "server";
  EmbeddingServerOptions server;
  std::string api_key_env;  // empty: OPENAI_API_KEY, if there is one
  HashNgramOptions hash;
};

// Both fill job.model_name, job.max_length and job.settings.
TextEmbedFunction server_provider(EmbedArguments& arguments);
TextEmbedFunction hash_provider(EmbedArguments& arguments);

}  // namespace pillar
