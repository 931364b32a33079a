// Internal: a TCP connection tried, to learn whether somebody listens and by which of our addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pillar {

// Numeric addresses.
struct Endpoint {
  std::string own;     // of this host, as used towards the master
  std::string master;  // of the master, as seen from here
};

// Tries once more every half second until somebody listens there. Throws Error(io) naming the address and why
// not (an unknown host, nobody listening) when `patience` is over.
Endpoint reach(const std::string& host, std::int64_t port, std::chrono::milliseconds patience);

bool is_loopback(const std::string& address);

}  // namespace pillar
