#include "http/shared/json_server.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/server_words.h"
#include "http/shared/http_post.h"

#include <chrono>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

constexpr std::size_t kLongestFault = 300;

}  // namespace

struct JsonServer::State {
  explicit State(JsonServerOptions given)
      : options(std::move(given)),
        url(service_address(options.url, options.service)),
        named(printable_address(url)),
        poster(url, json_headers(options.api_key), options.timeout_s) {
    warn_of_plain_http(url, named, options);
  }

  std::string without_key(std::string text) const {
    return text_without_key(std::move(text), options.api_key);
  }

  // What to say of an answer that is no success.
  std::string fault(const HttpAnswer& answer) const {
    if (answer.status == 0) return printable(answer.fault, kLongestFault);
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
    return retry_wait(answer, options, attempt, std::hash<std::string>()(body));
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
