#include "support/text_server.h"

#include "pillar/core/fail.h"

#include "support/api_key.h"

namespace pillar {
namespace {

constexpr const char* kGroup = "Server (OpenAI's POST /v1/embeddings: vLLM, TEI, llama.cpp, ...)";

void add_patience(CLI::App& command, EmbeddingServerOptions& options) {
  command.add_option("--timeout", options.timeout_s, "seconds for one request")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--retries", options.retries, "after a failed request: no connection, 408, 429, 5xx")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--retry-wait", options.first_wait_s, "seconds before the first retry; doubles each time")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--longest-wait", options.longest_wait_s,
                  "seconds; a server that asks for more ends the run")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str()
      ->group(kGroup);
}

}  // namespace

void add_text_server_options(CLI::App& command, TextServerArguments& arguments, const char* model_flag,
                             bool folder_too) {
  EmbeddingServerOptions& options = arguments.options;
  command.add_option("--url", options.url, "http://HOST:PORT; /v1/embeddings is added where it is missing")
      ->group(kGroup);
  command
      .add_option(model_flag, options.model,
                  folder_too ? "as the server knows it; with --provider qwen3 the model's folder"
                             : "as the server knows it")
      ->type_name("NAME")
      ->group(kGroup);
  command
      .add_option("--api-key-env", arguments.api_key_env,
                  "environment variable with the API key [OPENAI_API_KEY, if set]")
      ->type_name("NAME")
      ->group(kGroup);
  command.add_option("--prefix", options.prefix, "text before each report: an instruction, say")
      ->group(kGroup);
  command
      .add_option(
          "--body", options.body,
          "JSON object to add to each request: what this server understands, '{\"dimensions\": 1024}' say")
      ->type_name("JSON")
      ->group(kGroup);
  add_patience(command, options);
}

EmbeddingServerOptions text_server_options(const TextServerArguments& arguments, const char* model_flag) {
  EmbeddingServerOptions options = arguments.options;
  if (options.url.empty() || options.model.empty())
    fail(ErrorCategory::usage, "--provider server needs --url and {}", model_flag);
  options.api_key = api_key_from_environment(arguments.api_key_env);
  return options;
}

}  // namespace pillar
