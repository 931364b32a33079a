#include "support/http_server.h"

#include <algorithm>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pillar::test {
namespace {

constexpr std::size_t kEnough = 1 << 24;

// Up to the body and all of it; empty where the client hung up before.
HttpRequest receive(int connection) {
  std::string text;
  std::size_t wanted = kEnough, body = std::string::npos;
  HttpRequest request;
  char buffer[4096];
  while (text.size() < wanted) {
    const ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
    if (got <= 0) return {};
    text.append(buffer, static_cast<std::size_t>(got));
    if (body != std::string::npos || (body = text.find("\r\n\r\n")) == std::string::npos) continue;
    std::size_t line = text.find("\r\n") + 2;
    while (line < body + 2) {
      const std::size_t end = text.find("\r\n", line), colon = text.find(':', line);
      std::string name = text.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] =
          text.substr(text.find_first_not_of(' ', colon + 1), end - text.find_first_not_of(' ', colon + 1));
      line = end + 2;
    }
    body += 4;
    wanted =
        body + (request.headers.count("content-length") ? std::stoul(request.headers["content-length"]) : 0);
  }
  request.method = text.substr(0, text.find(' '));
  request.path = text.substr(request.method.size() + 1,
                             text.find(' ', request.method.size() + 1) - request.method.size() - 1);
  request.body = text.substr(body);
  return request;
}

}  // namespace

HttpServer::HttpServer(std::function<HttpReply(const HttpRequest&)> answer) : answer_(std::move(answer)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_, where, size) != 0 || ::listen(socket_, 64) != 0 ||
      ::getsockname(socket_, where, &size) != 0)
    throw std::runtime_error("no port for a test's server");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(socket_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  ::close(socket_);
}

std::string HttpServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  for (int connection; (connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;
       ::close(connection))
    handle(connection);
}

void HttpServer::handle(int connection) {
  const HttpRequest request = receive(connection);
  if (request.method.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const HttpReply reply = answer_(request);
  if (reply.status == 0) return;
  std::string text = fmt::format("HTTP/1.1 {} Word\r\nContent-Length: {}\r\nConnection: close\r\n",
                                 reply.status, reply.body.size());
  for (const std::string& header : reply.headers) text += header + "\r\n";
  text += "\r\n" + reply.body;
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t sent = ::send(connection, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return;
    done += static_cast<std::size_t>(sent);
  }
}

}  // namespace pillar::test
