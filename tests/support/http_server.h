// A web server on this machine that says what a test wants to hear.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pillar::test {

struct HttpRequest {
  std::string method, path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct HttpReply {
  int status = 200;  // 0: hangs up without a word
  std::string body;
  std::vector<std::string> headers = {};  // "Retry-After: 1"
};

// Answers one request a connection, one after another. `answer` runs on the server's thread.
class HttpServer {
 public:
  explicit HttpServer(std::function<HttpReply(const HttpRequest&)> answer);
  ~HttpServer();
  std::string url() const;  // http://127.0.0.1:PORT
  std::vector<HttpRequest> requests() const;

 private:
  void serve();
  void handle(int connection);

  std::function<HttpReply(const HttpRequest&)> answer_;
  int socket_ = -1, port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

}  // namespace pillar::test
