// Internal: all processes find each other in rank 0's store.
#pragma once

#include "pillar/world/world.h"

#include "world/liveness.h"

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace pillar {

struct RendezvousStore {
  c10::intrusive_ptr<c10d::TCPStore> store;
  std::vector<std::string> names;  // by rank: "rank 3 (host gpu7, pid 4242)"
  std::string address;             // of this host, where the others reach it
};

// Returns when all have come. Throws Error(io) naming those that have not within `patience`, Error(usage) for
// two processes with one rank or worlds of different sizes.
RendezvousStore open_rendezvous_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience);

// A further connection of this process, for Liveness's thread alone.
MembershipStore membership_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience);

}  // namespace pillar
