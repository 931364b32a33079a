#include "world/endpoint.h"

#include "pillar/core/fail.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include <netdb.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pillar {
namespace {

struct Socket {
  explicit Socket(int fd_) : fd(fd_) {}
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd;
};

using AddressOf = int (*)(int, sockaddr*, socklen_t*);

std::string numeric(int fd, AddressOf address_of) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  char text[NI_MAXHOST] = {};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (address_of(fd, generic, &size) != 0) return {};
  if (::getnameinfo(generic, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

// Empty where connected, else why not.
std::string connect_once(const addrinfo& address, Endpoint& endpoint) {
  const Socket socket(
      ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (socket.fd < 0) return std::strerror(errno);
  if (::connect(socket.fd, address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return std::strerror(errno);
    pollfd waiting = {socket.fd, POLLOUT, 0};
    if (::poll(&waiting, 1, 5000) <= 0) return "no answer";
    int fault = 0;
    socklen_t size = sizeof(fault);
    ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault != 0) return std::strerror(fault);
  }
  endpoint = {numeric(socket.fd, ::getsockname), numeric(socket.fd, ::getpeername)};
  return endpoint.own.empty() || endpoint.master.empty() ? "an address of an unknown kind" : "";
}

std::string try_all(const std::string& host, std::int64_t port, Endpoint& endpoint) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); code != 0)
    return ::gai_strerror(code);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::string reason = "no address";
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next)
    if (reason = connect_once(*each, endpoint); reason.empty()) break;
  return reason;
}

}  // namespace

Endpoint reach(const std::string& host, std::int64_t port, std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  auto next_word = start + std::chrono::seconds(15);
  Endpoint endpoint;
  while (true) {
    const std::string reason = try_all(host, port, endpoint);
    if (reason.empty()) return endpoint;
    const auto now = Clock::now();
    if (now - start > patience) {
      fail(ErrorCategory::io, "rank 0 was not there within {} s: {}:{}: {} (MASTER_ADDR, MASTER_PORT)",
           std::chrono::duration_cast<std::chrono::seconds>(patience).count(), host, port, reason);
    }
    if (now > next_word) {
      spdlog::info("waiting for rank 0 at {}:{} ({})", host, port, reason);
      next_word = now + std::chrono::seconds(60);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace pillar
