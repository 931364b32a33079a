// The words of the command line for a server that embeds texts.
#pragma once

#include "pillar/text/embedding_server.h"

#include <string>

#include <CLI/CLI.hpp>

namespace pillar {

struct TextServerArguments {
  EmbeddingServerOptions options;
  std::string api_key_env;  // empty: OPENAI_API_KEY, if there is one
};

// `model_flag`: what the server's model is called on this command line, "--model" say. `folder_too`: the same
// word names a folder where no server is asked.
void add_text_server_options(CLI::App& command, TextServerArguments& arguments, const char* model_flag,
                             bool folder_too = false);

// The options with the API key in them. Throws Error(usage): no URL or model, no such environment variable.
EmbeddingServerOptions text_server_options(const TextServerArguments& arguments, const char* model_flag);

}  // namespace pillar
