#include "instant_server.h"

#include "pillar/core/fail.h"

#include "runner.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string instant_response() {
  const std::string body =
      R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"No"},)"
      R"("finish_reason":"stop"}],"usage":{"prompt_tokens":500,"completion_tokens":1}})";
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     body.size(), body);
}

void send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0 && errno != EINTR) return;
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Bytes of the first whole request or response in `text`; 0 where it is not whole.
std::size_t message_size(std::string_view text) {
  const std::size_t head = text.find(kHeadEnd);
  if (head == std::string_view::npos) return 0;
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t length = text.substr(0, head).find(kLength);
  const std::size_t body = length == std::string_view::npos
                               ? 0
                               : std::stoul(std::string(text.substr(length + kLength.size(), 12)));
  const std::size_t size = head + kHeadEnd.size() + body;
  return size <= text.size() ? size : 0;
}

// Appends what there is to read; false where the other side hung up.
bool read_some(int socket, std::string& text) {
  std::array<char, 1 << 16> buffer;
  const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

[[noreturn]] void serve(int listener) {
  const std::string response = instant_response();
  const int events = ::epoll_create1(0);
  epoll_event wanted = {};
  wanted.events = EPOLLIN;
  wanted.data.fd = listener;
  ::epoll_ctl(events, EPOLL_CTL_ADD, listener, &wanted);
  std::map<int, std::string> received;
  std::array<epoll_event, 256> ready;
  for (;;) {
    const int count = ::epoll_wait(events, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = ready[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        wanted.data.fd = ::accept(listener, nullptr, nullptr);
        const int at_once = 1;
        ::setsockopt(wanted.data.fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
        ::epoll_ctl(events, EPOLL_CTL_ADD, wanted.data.fd, &wanted);
        continue;
      }
      std::string& text = received[socket];
      if (!read_some(socket, text)) {
        ::close(socket);
        received.erase(socket);
        continue;
      }
      for (std::size_t size; (size = message_size(text)) > 0; text.erase(0, size)) send_all(socket, response);
    }
  }
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

[[noreturn]] void fail_on_socket(const char* what) {
  fail(ErrorCategory::io, "the benchmark's server: {}: {}", what, std::strerror(errno));
}

}  // namespace

InstantServer::InstantServer() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, where, size) != 0 || ::listen(listener, 256) != 0 ||
      ::getsockname(listener, where, &size) != 0)
    fail_on_socket("no port");
  port_ = ntohs(address.sin_port);
  pid_ = ::fork();
  if (pid_ < 0) fail_on_socket("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(listener);
  }
  ::close(listener);
}

InstantServer::~InstantServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string InstantServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

double InstantServer::bare_seconds(const std::string& body, std::int64_t requests, int connections) const {
  const std::string request = fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      body.size(), body);
  std::vector<pollfd> sockets(static_cast<std::size_t>(connections));
  std::vector<std::string> received(sockets.size());
  for (pollfd& entry : sockets) {
    const sockaddr_in address = loopback(port_);
    entry = {::socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0};
    if (::connect(entry.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      fail_on_socket("connect");
  }
  const double start = now_seconds();
  std::int64_t sent = 0, answered = 0;
  for (; sent < std::min<std::int64_t>(connections, requests); ++sent)
    send_all(sockets[static_cast<std::size_t>(sent)].fd, request);
  while (answered < requests) {
    if (::poll(sockets.data(), sockets.size(), -1) < 0 && errno != EINTR) fail_on_socket("poll");
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if ((sockets[i].revents & POLLIN) == 0) continue;
      if (!read_some(sockets[i].fd, received[i])) fail_on_socket("it hung up");
      if (message_size(received[i]) == 0) continue;
      received[i].clear();
      ++answered;
      if (sent++ < requests) send_all(sockets[i].fd, request);
    }
  }
  const double seconds = now_seconds() - start;
  for (const pollfd& entry : sockets) ::close(entry.fd);
  return seconds;
}

}  // namespace pillar::bench
