#include "pillar/text/embedding_server.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/shared/http_post.h"
#include "text/embed/embeddings_answer.h"

#include <chrono>
#include <cmath>
#include <thread>

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::json;

bool is_one_line(const std::string& value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string endpoint(const std::string& url) {
  const bool http = url.starts_with("http://"), https = url.starts_with("https://");
  if ((!http && !https) || !is_one_line(url) || url.size() <= (https ? 8u : 7u))
    fail(ErrorCategory::usage, "'{}' is no address of a server, http://HOST:PORT say", printable(url));
  const std::string host = url.substr(http ? 7 : 8);
  if (host.substr(0, host.find_first_of("/?")).find('@') != std::string::npos)
    fail(ErrorCategory::usage,
         "the server's address has a password in it; an API key goes into an environment variable");
  if (url.find('?') != std::string::npos) return url;
  std::string path = url.substr(0, url.find_last_not_of('/') + 1);
  if (path.ends_with("/embeddings")) return path;
  return path + (path.ends_with("/v1") ? "/embeddings" : "/v1/embeddings");
}

std::vector<std::string> headers(const std::string& api_key) {
  std::vector<std::string> lines = {"Content-Type: application/json", "Accept: application/json"};
  if (!is_one_line(api_key))
    fail(ErrorCategory::usage, "the API key has a line end or a control character in it");
  if (!api_key.empty()) lines.push_back(fmt::format("Authorization: Bearer {}", api_key));
  return lines;
}

bool is_this_machine(const std::string& url) {
  return url.starts_with("http://localhost") || url.starts_with("http://127.") ||
         url.starts_with("http://[::1]");
}

bool worth_another_try(const HttpAnswer& answer) {
  if (answer.status == 0) return !answer.hopeless;
  return answer.status == 408 || answer.status == 429 || (answer.status >= 500 && answer.status != 501);
}

bool refuses_the_texts(long status) {
  return status == 400 || status == 413 || status == 422;
}

// Between half and all of `seconds`, so that requests that failed together do not come back together.
double spread(double seconds, const std::string& body, int attempt) {
  const std::size_t draw = std::hash<std::string>()(body) * static_cast<std::size_t>(2 * attempt + 1);
  return seconds * (0.5 + 0.5 * static_cast<double>(draw >> 40) / static_cast<double>(1 << 24));
}

}  // namespace

struct EmbeddingServer::State {
  explicit State(EmbeddingServerOptions given)
      : options(std::move(given)),
        url(endpoint(options.url)),
        named(printable(url.substr(0, url.find('?')))),
        poster(url, headers(options.api_key), options.timeout_s) {
    if (!is_text(options.prefix) || !is_text(options.model))
      fail(ErrorCategory::usage, "a model's name, or text to put before reports, that is not UTF-8");
    if (options.model.empty()) fail(ErrorCategory::usage, "an embedding server needs the name of a model");
    if (!options.api_key.empty() && url.starts_with("http://") && !is_this_machine(url))
      spdlog::warn("{}: the API key and the reports travel without encryption", named);
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

  // Some servers repeat the key.
  std::string without_key(std::string text) const {
    constexpr std::string_view kStars = "***";
    const std::string& key = options.api_key;
    if (key.empty()) return text;
    for (std::size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += kStars.size())
      text.replace(at, key.size(), kStars);
    return text;
  }

  // What to say of an answer that is no success.
  std::string fault(const HttpAnswer& answer) const {
    if (answer.status == 0) return printable(answer.fault, 300);
    return fmt::format("HTTP {}: {}", answer.status, server_message(without_key(answer.body)));
  }

  HttpAnswer post(const std::string& body) const {
    for (int attempt = 0;; ++attempt) {
      HttpAnswer answer = poster.post(body);
      if ((answer.status >= 200 && answer.status < 300) || refuses_the_texts(answer.status)) return answer;
      if (!worth_another_try(answer)) fail(ErrorCategory::io, "{}: {}", named, fault(answer));
      if (attempt >= options.retries)
        fail(ErrorCategory::io, "{}: {} ({} tries)", named, fault(answer), attempt + 1);
      if (answer.retry_after_s > options.longest_wait_s) {
        fail(ErrorCategory::io,
             "{}: {}; asks to come again in {:.0f} s, longer than the {:.0f} s that are waited", named,
             fault(answer), answer.retry_after_s, options.longest_wait_s);
      }
      const double backoff = std::min(options.first_wait_s * std::exp2(attempt), options.longest_wait_s);
      const double wait = std::max(answer.retry_after_s, spread(backoff, body, attempt));
      spdlog::warn("{}: {}; again in {:.1f} s ({} of {})", named, fault(answer), wait, attempt + 1,
                   options.retries);
      std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    }
  }

  EmbeddingServerOptions options;
  std::string url, named;
  HttpPoster poster;
  Json extra;
};

EmbeddingServer::EmbeddingServer(EmbeddingServerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
EmbeddingServer::EmbeddingServer(EmbeddingServer&&) noexcept = default;
EmbeddingServer::~EmbeddingServer() = default;

at::Tensor EmbeddingServer::embed(const std::vector<std::string>& texts) const {
  if (texts.empty()) return at::empty({0, 0}, at::kFloat);
  const HttpAnswer answer = state_->post(state_->request(texts));
  if (refuses_the_texts(answer.status))
    fail(ErrorCategory::input, "{}: {}", state_->named, state_->fault(answer));
  try {
    return parse_embeddings(answer.body, texts.size(), state_->named);
  } catch (const Error& error) {
    throw Error(error.category(), state_->without_key(error.what()));
  }
}

}  // namespace pillar
