// A language model's server that has its answer ready: a process of its own, one thread, connections that are
// kept.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace pillar::bench {

class InstantServer {
 public:
  InstantServer();  // forks; throws Error(io)
  ~InstantServer();
  InstantServer(const InstantServer&) = delete;
  InstantServer& operator=(const InstantServer&) = delete;
  std::string url() const;

  // Seconds that a client without any work of its own takes for `requests` requests with this body over so
  // many connections: the server's own limit.
  double bare_seconds(const std::string& body, std::int64_t requests, int connections) const;

 private:
  pid_t pid_ = 0;
  int port_ = 0;
};

}  // namespace pillar::bench
