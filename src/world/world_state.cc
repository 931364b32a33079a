#include "world/world_state.h"

#include "pillar/core/fail.h"

#include "core/shared/first_line.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// Backends whose threads may be stuck in a collective: their destructors would wait for it. They stay until
// the process ends, which is soon.
void keep_for_good(Backends backends) {
  static auto* const kept = new std::vector<Backends>;
  kept->push_back(std::move(backends));
}

}  // namespace

World::State::State(const Rendezvous& rendezvous_, at::Device device_, const EndProcess& end_process,
                    std::chrono::milliseconds timeout, const WorldTiming& timing)
    : rendezvous(rendezvous_), device(device_) {
  RendezvousStore opened = open_rendezvous_store(rendezvous, timing.patience);
  store = opened.store;
  names = opened.names;
  liveness = std::make_unique<Liveness>(membership_store(rendezvous, timing.patience), names, rendezvous.rank,
                                        timing.membership, device.is_cuda(), end_process);
  const Liveness::Blocking blocking(*liveness);
  try {
    backends = connect(opened, rendezvous, device, timeout);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    liveness->fail_for(
        fmt::format("the processes cannot reach each other from {}: {}; GLOO_SOCKET_IFNAME names another "
                    "network interface",
                    opened.address, first_line(error.what())));
  }
}

World::State::~State() {
  if (!liveness) return;
  const bool broken = liveness->broken();
  if (backends.device && backends.device != backends.cpu) {  // NCCL's is stopped, rightly or wrongly
    const Liveness::Blocking blocking(*liveness);
    try {
      broken ? backends.device->abort() : backends.device->shutdown();
    } catch (const std::exception& error) {
      spdlog::debug("NCCL ended with: {}", first_line(error.what()));
    }
  }
  liveness.reset();
  if (broken) keep_for_good(std::move(backends));
}

c10d::Backend& World::State::backend_for(const at::Tensor& tensor) const {
  if (!tensor.is_contiguous()) fail(ErrorCategory::usage, "a collective needs a contiguous tensor");
  if (tensor.device().is_cpu()) return *backends.cpu;
  const bool same = tensor.device().type() == device.type() &&
                    (!device.has_index() || tensor.device().index() == device.index());
  if (same) return *backends.device;
  fail(ErrorCategory::usage, "a tensor on {} was given to a world on {}", tensor.device().str(),
       device.str());
}

c10::intrusive_ptr<c10::ivalue::Future> World::State::start(const at::Tensor& result,
                                                            const Start& start) const {
  c10d::Backend& backend = backend_for(result);
  liveness->begin();
  const auto done = start(backend)->getFuture();
  // On a GPU a future is a place in a stream's queue, which a wait for it must see.
  return result.device().is_cpu() ? liveness->guard(*done, result) : done;
}

void World::State::run(const at::Tensor& result, const Start& start_) const {
  if (result.device().is_cpu()) {
    start(result, start_)->waitAndThrow();
    return;
  }
  c10d::Backend& backend = backend_for(result);
  liveness->begin();
  const Liveness::Blocking blocking(*liveness);
  try {
    start_(backend)->wait();
  } catch (const std::exception& error) {
    liveness->fail_for(error.what());
  }
}

}  // namespace pillar
