#include "http/server_words.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/random.h"

#include <algorithm>
#include <cmath>

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

bool is_this_machine(const std::string& url) {
  return url.starts_with("http://localhost") || url.starts_with("http://127.") ||
         url.starts_with("http://[::1]");
}

}  // namespace

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

std::string printable_address(const std::string& url) {
  return printable(url.substr(0, url.find('?')));
}

std::vector<std::string> json_headers(const std::string& api_key) {
  std::vector<std::string> lines = {"Content-Type: application/json", "Accept: application/json"};
  if (!is_one_line(api_key))
    fail(ErrorCategory::usage, "the API key has a line end or a control character in it");
  if (!api_key.empty()) lines.push_back(fmt::format("Authorization: Bearer {}", api_key));
  return lines;
}

void warn_of_plain_http(const std::string& url, const std::string& named, const JsonServerOptions& options) {
  if (!options.api_key.empty() && url.starts_with("http://") && !is_this_machine(url))
    spdlog::warn("{}: the API key and {} travel without encryption", named, options.contents);
}

std::string text_without_key(std::string text, const std::string& api_key) {
  constexpr std::string_view kStars = "***";
  if (api_key.empty()) return text;
  for (std::size_t at = 0; (at = text.find(api_key, at)) != std::string::npos; at += kStars.size())
    text.replace(at, api_key.size(), kStars);
  return text;
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

double retry_wait(const HttpAnswer& answer, const JsonServerOptions& options, int attempt,
                  std::uint64_t draw) {
  const double backoff = std::min(options.first_wait_s * std::exp2(attempt), options.longest_wait_s);
  const double spread = 0.5 + 0.5 * unit_interval(mix_seed({draw, static_cast<std::uint64_t>(attempt)}));
  return std::max(answer.retry_after_s, backoff * spread);
}

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

}  // namespace pillar
