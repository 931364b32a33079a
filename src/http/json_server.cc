#include "http/shared/json_server.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/shared/http_post.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestMessage = 300;

bool is_one_line(const std::string& value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// What is missing of "/v1/<service>" is added, unless there is a query.
std::string service_address(const std::string& url, const std::string& service) {
  const bool http = url.starts_with("http://"), https = url.starts_with("https://");
  if ((!http && !https) || !is_one_line(url) || url.size() <= (https ? 8u : 7u))
    fail(ErrorCategory::usage, "'{}' is no address of a server, http://HOST:PORT say", printable(url));
  const std::string host = url.substr(http ? 7 : 8);
  if (host.substr(0, host.find_first_of("/?")).find('@') != std::string::npos)
    fail(ErrorCategory::usage,
         "the server's address has a password in it; an API key goes into an environment variable");
  if (url.find('?') != std::string::npos) return url;
  const std::string path = url.substr(0, url.find_last_not_of('/') + 1);
  if (path.ends_with(fmt::format("/{}", service))) return path;
  return fmt::format("{}{}/{}", path, path.ends_with("/v1") ? "" : "/v1", service);
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

bool is_success(const HttpAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

bool worth_another_try(const HttpAnswer& answer) {
  if (answer.status == 0) return !answer.hopeless;
  return answer.status == 408 || answer.status == 429 || (answer.status >= 500 && answer.status != 501);
}

bool refuses_the_request(const HttpAnswer& answer) {
  return answer.status == 400 || answer.status == 413 || answer.status == 422;
}

// Between half and all of `seconds`, so that requests that failed together do not come back together.
double spread(double seconds, const std::string& body, int attempt) {
  const std::size_t draw = std::hash<std::string>()(body) * static_cast<std::size_t>(2 * attempt + 1);
  return seconds * (0.5 + 0.5 * static_cast<double>(draw >> 40) / static_cast<double>(1 << 24));
}

}  // namespace

std::string server_message(const std::string& body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (answer.is_object()) {
    const Json* said = &answer;
    if (const auto error = answer.find("error"); error != answer.end()) said = &*error;
    for (const char* key : {"message", "detail"}) {
      if (said->is_object() && said->contains(key)) {
        said = &(*said)[key];
        break;
      }
    }
    return printable(said->is_string() ? said->get<std::string>() : said->dump(), kLongestMessage);
  }
  return body.empty() ? "(it says no more)" : printable(body, kLongestMessage);
}

struct JsonServer::State {
  explicit State(JsonServerOptions given)
      : options(std::move(given)),
        url(service_address(options.url, options.service)),
        named(printable(url.substr(0, url.find('?')))),
        poster(url, headers(options.api_key), options.timeout_s) {
    if (!options.api_key.empty() && url.starts_with("http://") && !is_this_machine(url))
      spdlog::warn("{}: the API key and {} travel without encryption", named, options.contents);
  }

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
    if (answer.status == 0) return printable(answer.fault, kLongestMessage);
    return fmt::format("HTTP {}: {}", answer.status, server_message(without_key(answer.body)));
  }

  // Seconds before the next try. Throws where there is to be none.
  double wait_after(const HttpAnswer& answer, const std::string& body, int attempt) const {
    if (refuses_the_request(answer)) fail(ErrorCategory::input, "{}: {}", named, fault(answer));
    if (!worth_another_try(answer)) fail(ErrorCategory::io, "{}: {}", named, fault(answer));
    if (attempt >= options.retries)
      fail(ErrorCategory::io, "{}: {} ({} tries)", named, fault(answer), attempt + 1);
    if (answer.retry_after_s > options.longest_wait_s) {
      fail(ErrorCategory::io,
           "{}: {}; asks to come again in {:.0f} s, longer than the {:.0f} s that are waited", named,
           fault(answer), answer.retry_after_s, options.longest_wait_s);
    }
    const double backoff = std::min(options.first_wait_s * std::exp2(attempt), options.longest_wait_s);
    return std::max(answer.retry_after_s, spread(backoff, body, attempt));
  }

  JsonServerOptions options;
  std::string url, named;
  HttpPoster poster;
};

JsonServer::JsonServer(JsonServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
JsonServer::JsonServer(JsonServer&&) noexcept = default;
JsonServer::~JsonServer() = default;

std::string JsonServer::post(const std::string& body) const {
  for (int attempt = 0;; ++attempt) {
    HttpAnswer answer = state_->poster.post(body);
    if (is_success(answer)) return std::move(answer.body);
    const double wait = state_->wait_after(answer, body, attempt);
    spdlog::warn("{}: {}; again in {:.1f} s ({} of {})", state_->named, state_->fault(answer), wait,
                 attempt + 1, state_->options.retries);
    std::this_thread::sleep_for(std::chrono::duration<double>(wait));
  }
}

const std::string& JsonServer::name() const noexcept {
  return state_->named;
}

std::string JsonServer::without_key(std::string text) const {
  return state_->without_key(std::move(text));
}

}  // namespace pillar
