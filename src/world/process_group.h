// Internal: LibTorch's backends of collectives.
#pragma once

#include "world/rendezvous_store.h"

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace pillar {

struct Backends {
  c10::intrusive_ptr<c10d::Backend> cpu;         // Gloo
  c10::intrusive_ptr<c10d::Backend> device;      // NCCL on CUDA devices, else as `cpu`
  c10::intrusive_ptr<c10d::ProcessGroup> group;  // both, as c10d::Reducer wants them
};

// Connects every process with every other. Throws what LibTorch throws.
Backends connect(const RendezvousStore& opened, const Rendezvous& rendezvous, at::Device device,
                 std::chrono::milliseconds timeout);

}  // namespace pillar
