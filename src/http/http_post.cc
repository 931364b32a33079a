#include "http/shared/http_post.h"

#include "pillar/core/error.h"

#include <mutex>
#include <new>

#include <curl/curl.h>

namespace pillar {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1 << 30;
constexpr long kConnectTimeoutMs = 20'000;

struct Easy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, Easy>;

struct Headers {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (size * count > kMaxAnswerBytes - body.size()) return 0;  // which ends the transfer
  body.append(data, size * count);
  return size * count;
}

bool is_hopeless(CURLcode code) {
  return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_WRITE_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE;
}

}  // namespace

struct HttpPoster::State {
  std::string url;
  long timeout_ms = 0;
  std::unique_ptr<curl_slist, Headers> headers;
  std::mutex mutex;
  std::vector<Handle> idle;

  Handle take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }
  void give_back(Handle handle) {
    curl_easy_reset(handle.get());  // keeps the connection
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }
};

HttpPoster::HttpPoster(std::string url, std::vector<std::string> headers, double timeout_s)
    : state_(std::make_unique<State>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, whatever the thread
  if (started != CURLE_OK) throw Error(ErrorCategory::io, "libcurl does not start");
  headers.emplace_back(
      "Expect:");  // large bodies go out at once: many servers do not answer the question first
  state_->url = std::move(url);
  state_->timeout_ms = static_cast<long>(timeout_s * 1000);
  for (const std::string& header : headers)
    state_->headers.reset(curl_slist_append(state_->headers.release(), header.c_str()));
}

HttpPoster::~HttpPoster() = default;

HttpAnswer HttpPoster::post(const std::string& body) const {
  Handle handle = state_->take();
  CURL* curl = handle.get();
  if (curl == nullptr) throw std::bad_alloc();
  HttpAnswer answer;
  char fault[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl, CURLOPT_URL, state_->url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, state_->timeout_ms);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fault);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, state_->headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_off_t wait = 0;
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
    answer.retry_after_s = static_cast<double>(wait);
  } else {
    answer.fault = fault[0] != '\0' ? fault : curl_easy_strerror(code);
    answer.hopeless = is_hopeless(code);
  }
  state_->give_back(std::move(handle));
  return answer;
}

}  // namespace pillar
