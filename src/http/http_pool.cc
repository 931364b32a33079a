#include "http/http_pool.h"

#include "pillar/core/fail.h"

#include "http/easy_post.h"

#include <algorithm>
#include <new>

namespace pillar {
namespace {

struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// A request's place: handle, body and answer, used again by the next one.
struct Slot {
  EasyHandle handle;
  std::uint64_t id = 0;
  std::string body;
  EasyPost post;
};

void check(CURLMcode code) {
  if (code != CURLM_OK) fail(ErrorCategory::io, "libcurl: {}", curl_multi_strerror(code));
}

}  // namespace

struct HttpPool::State {
  std::string url;
  long timeout_ms = 0;
  std::size_t most_bytes = 0;
  HeaderList headers;
  std::unique_ptr<CURLM, MultiCleanup> multi;
  std::vector<std::unique_ptr<Slot>> slots;  // all there are
  std::vector<Slot*> idle;

  ~State() {
    for (const auto& slot : slots) {
      if (std::find(idle.begin(), idle.end(), slot.get()) == idle.end())
        curl_multi_remove_handle(multi.get(), slot->handle.get());
    }
  }
};

HttpPool::HttpPool(std::string url, std::vector<std::string> headers, double timeout_s, int connections,
                   std::size_t most_bytes)
    : state_(std::make_unique<State>()) {
  start_libcurl();
  state_->url = std::move(url);
  state_->timeout_ms = static_cast<long>(timeout_s * 1000);
  state_->most_bytes = most_bytes;
  state_->headers = header_list(std::move(headers));
  state_->multi.reset(curl_multi_init());
  if (state_->multi == nullptr) throw std::bad_alloc();
  curl_multi_setopt(state_->multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
  for (int i = 0; i < connections; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->handle.reset(curl_easy_init());
    if (slot->handle == nullptr) throw std::bad_alloc();
    state_->idle.push_back(slot.get());
    state_->slots.push_back(std::move(slot));
  }
}

HttpPool::~HttpPool() = default;

std::size_t HttpPool::running() const noexcept {
  return state_->slots.size() - state_->idle.size();
}

bool HttpPool::is_full() const noexcept {
  return state_->idle.empty();
}

void HttpPool::start(std::uint64_t id, std::string body) {
  Slot* slot = state_->idle.back();
  slot->id = id;
  slot->body = std::move(body);
  slot->post = EasyPost{};
  slot->post.most_bytes = state_->most_bytes;
  prepare_post(slot->handle.get(), state_->url, state_->headers.get(), slot->body, state_->timeout_ms,
               slot->post);
  curl_easy_setopt(slot->handle.get(), CURLOPT_PRIVATE, slot);
  check(curl_multi_add_handle(state_->multi.get(), slot->handle.get()));
  state_->idle.pop_back();
}

void HttpPool::wait(double wait_s, const std::function<void(std::uint64_t, HttpAnswer)>& done) {
  CURLM* multi = state_->multi.get();
  int running = 0;
  check(curl_multi_perform(multi, &running));
  int left = 0;
  CURLMsg* message = curl_multi_info_read(multi, &left);
  if (message == nullptr) {
    check(curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::max(0.0, wait_s) * 1000), nullptr));
    check(curl_multi_perform(multi, &running));
    message = curl_multi_info_read(multi, &left);
  }
  for (; message != nullptr; message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* handle = message->easy_handle;
    Slot* slot = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &slot);
    HttpAnswer answer = finish_post(handle, code, slot->post);
    curl_multi_remove_handle(multi, handle);
    state_->idle.push_back(slot);
    done(slot->id, std::move(answer));
  }
}

}  // namespace pillar
