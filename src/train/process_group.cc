#include "train/process_group.h"

#include "core/fail.h"

#include <cstdlib>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace pillar {
namespace {

// By the address that reaches the other processes: Gloo's own choice is the host's name, which many systems
// resolve to a loopback address. GLOO_SOCKET_IFNAME, the variable people know, goes before.
std::shared_ptr<::gloo::transport::Device> gloo_device(const std::string& address) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0')
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  return c10d::ProcessGroupGloo::createDeviceForHostname(address);
}

}  // namespace

Backends connect(const Meeting& meeting, const Rendezvous& rendezvous, at::Device device,
                 std::chrono::milliseconds timeout) {
  const int rank = static_cast<int>(rendezvous.rank), size = static_cast<int>(rendezvous.size);
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(gloo_device(meeting.address));
  Backends backends;
  const auto store = c10::make_intrusive<c10d::PrefixStore>("gloo", meeting.store);
  backends.cpu = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
  backends.device = backends.cpu;
  if (device.is_cuda()) fail(ErrorCategory::unsupported, "training on several CUDA devices is not built in");
  backends.group = c10::make_intrusive<c10d::ProcessGroup>(meeting.store, rank, size);
  backends.group->setBackend(at::kCPU, c10d::ProcessGroup::BackendType::GLOO, backends.cpu);
  backends.group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  return backends;
}

}  // namespace pillar
