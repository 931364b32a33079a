#include "http/shared/http_post.h"

#include "http/easy_post.h"

#include <mutex>
#include <new>

namespace pillar {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1 << 30;

}  // namespace

struct HttpPoster::State {
  std::string url;
  long timeout_ms = 0;
  HeaderList headers;
  std::mutex mutex;
  std::vector<EasyHandle> idle;

  EasyHandle take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return EasyHandle(curl_easy_init());
    EasyHandle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }
  void give_back(EasyHandle handle) {
    curl_easy_reset(handle.get());  // keeps the connection
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }
};

HttpPoster::HttpPoster(std::string url, std::vector<std::string> headers, double timeout_s)
    : state_(std::make_unique<State>()) {
  start_libcurl();
  state_->url = std::move(url);
  state_->timeout_ms = static_cast<long>(timeout_s * 1000);
  state_->headers = header_list(std::move(headers));
}

HttpPoster::~HttpPoster() = default;

HttpAnswer HttpPoster::post(const std::string& body) const {
  EasyHandle handle = state_->take();
  if (handle == nullptr) throw std::bad_alloc();
  EasyPost post;
  post.most_bytes = kMaxAnswerBytes;
  prepare_post(handle.get(), state_->url, state_->headers.get(), body, state_->timeout_ms, post);
  HttpAnswer answer = finish_post(handle.get(), curl_easy_perform(handle.get()), post);
  state_->give_back(std::move(handle));
  return answer;
}

}  // namespace pillar
