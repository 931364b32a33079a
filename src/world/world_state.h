// Internal: what a World that is not alone holds.
#pragma once

#include "world/liveness.h"
#include "world/process_group.h"

namespace pillar {

struct WorldTiming {
  MembershipTiming membership;
  std::chrono::milliseconds patience{std::chrono::minutes(10)};  // until all processes have come
};

struct World::State {
  State(const Rendezvous& rendezvous, at::Device device, const EndProcess& end_process,
        std::chrono::milliseconds timeout, const WorldTiming& timing);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  c10d::Backend& backend_for(const at::Tensor& tensor) const;
  // Runs a collective that fills `result`, and waits.
  using Start = std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>;
  void run(const at::Tensor& result, const Start& start) const;
  // The same without waiting: the future has `result` or an Error that names the culprit.
  c10::intrusive_ptr<c10::ivalue::Future> start(const at::Tensor& result, const Start& start) const;

  Rendezvous rendezvous;
  at::Device device;
  c10::intrusive_ptr<c10d::Store> store;
  std::vector<std::string> names;
  Backends backends;
  std::unique_ptr<Liveness> liveness;
};

// For tests: a World with other times.
struct WorldAccess {
  static World join(const Rendezvous& rendezvous, at::Device device, const EndProcess& end_process,
                    std::chrono::milliseconds timeout, const WorldTiming& timing);
};

}  // namespace pillar
