// Internal: many POSTs at a time over connections that are kept, driven by one thread (libcurl's multi
// interface).
#pragma once

#include "http/shared/http_post.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pillar {

class HttpPool {
 public:
  // `most_bytes`: of an answer's body; a longer one is no answer.
  HttpPool(std::string url, std::vector<std::string> headers, double timeout_s, int connections,
           std::size_t most_bytes);
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  std::size_t running() const noexcept;
  bool is_full() const noexcept;  // as many run as there may be connections
  void start(std::uint64_t id, std::string body);

  // Waits until something is done, at most `wait_s`, and hands over what is.
  void wait(double wait_s, const std::function<void(std::uint64_t id, HttpAnswer answer)>& done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
