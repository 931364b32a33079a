// What makes vectors of reports, from the words of the command line.
#pragma once

#include "pillar/text/hash_ngrams.h"
#include "pillar/text/text_embed_job.h"

#include "support/text_server.h"

#include <string>

namespace pillar {

inline constexpr const char* kModelFlag = "--model";  // the server's

struct EmbedArguments {
  TextEmbedJob job;
  std::string provider = "server";
  TextServerArguments server;
  HashNgramOptions hash;
};

// Both fill job.model_name, job.max_length and job.settings.
TextEmbedFunction server_provider(EmbedArguments& arguments);
TextEmbedFunction hash_provider(EmbedArguments& arguments);

}  // namespace pillar
