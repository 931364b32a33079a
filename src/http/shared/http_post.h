// Internal: POST of JSON over connections that are kept (libcurl).
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace pillar {

struct HttpAnswer {
  long status = 0;  // 0: no answer, and `fault` says why
  std::string body = {};
  double retry_after_s = 0;  // 0: the server does not say
  std::string fault = {};
  bool hopeless = false;  // no answer, and none to be had: a bad address, a certificate, too long an answer
  bool too_long = false;  // no answer, since it was longer than was to be read
};

// Calls may come from several threads.
class HttpPoster {
 public:
  // `headers`: "Name: value".
  HttpPoster(std::string url, std::vector<std::string> headers, double timeout_s);
  ~HttpPoster();
  HttpPoster(const HttpPoster&) = delete;
  HttpPoster& operator=(const HttpPoster&) = delete;
  HttpAnswer post(const std::string& body) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
