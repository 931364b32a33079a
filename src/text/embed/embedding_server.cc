#include "pillar/text/embedding_server.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/shared/json_server.h"
#include "text/embed/embeddings_answer.h"

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::json;

JsonServerOptions server_of(const EmbeddingServerOptions& options) {
  JsonServerOptions server;
  server.url = options.url;
  server.service = "embeddings";
  server.api_key = options.api_key;
  server.contents = "the reports";
  server.retries = options.retries;
  server.first_wait_s = options.first_wait_s;
  server.longest_wait_s = options.longest_wait_s;
  server.timeout_s = options.timeout_s;
  return server;
}

}  // namespace

struct EmbeddingServer::State {
  explicit State(EmbeddingServerOptions given) : options(std::move(given)), server(server_of(options)) {
    if (!is_text(options.prefix) || !is_text(options.model))
      fail(ErrorCategory::usage, "a model's name, or text to put before reports, that is not UTF-8");
    if (options.model.empty()) fail(ErrorCategory::usage, "an embedding server needs the name of a model");
    if (!options.body.empty()) {
      extra = Json::parse(options.body, nullptr, false);
      if (!extra.is_object())
        fail(ErrorCategory::usage, "'{}' is no JSON object to add to a request", printable(options.body));
    }
  }

  std::string request(const std::vector<std::string>& texts) const {
    Json input = Json::array();
    for (const std::string& text : texts) input.push_back(options.prefix + text);
    Json body = {{"model", options.model}, {"input", std::move(input)}, {"encoding_format", "float"}};
    if (extra.is_object()) body.update(extra);
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  EmbeddingServerOptions options;
  JsonServer server;
  Json extra;
};

EmbeddingServer::EmbeddingServer(EmbeddingServerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
EmbeddingServer::EmbeddingServer(EmbeddingServer&&) noexcept = default;
EmbeddingServer::~EmbeddingServer() = default;

at::Tensor EmbeddingServer::embed(const std::vector<std::string>& texts) const {
  if (texts.empty()) return at::empty({0, 0}, at::kFloat);
  const std::string answer = state_->server.post(state_->request(texts));
  try {
    return parse_embeddings(answer, texts.size(), state_->server.name());
  } catch (const Error& error) {
    throw Error(error.category(), state_->server.without_key(error.what()));
  }
}

}  // namespace pillar
