#include "world/process_group.h"

#include "pillar/core/fail.h"

#include "core/shared/loaded_file.h"
#include "device/shared/cuda_module.h"
#include "world/shared/nccl_abi.h"

#include <cstdlib>

#include <dlfcn.h>
#include <spdlog/spdlog.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace pillar {
namespace {

using BackendPtr = c10::intrusive_ptr<c10d::Backend>;
using GroupType = c10d::ProcessGroup::BackendType;

// By the address that reaches the other processes: Gloo's own choice is the host's name, which many systems
// resolve to a loopback address. GLOO_SOCKET_IFNAME, the variable people know, goes before.
std::shared_ptr<::gloo::transport::Device> gloo_device(const std::string& address) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0')
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  try {
    return c10d::ProcessGroupGloo::createDeviceForHostname(address);
  } catch (const std::exception& error) {  // a forwarded address, which is none of this host's
    spdlog::debug("Gloo cannot listen at {}: {}", address, error.what());
    return c10d::ProcessGroupGloo::createDefaultDevice();
  }
}

BackendPtr gloo_backend(const RendezvousStore& opened, int rank, int size,
                        std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(gloo_device(opened.address));
  const auto store = c10::make_intrusive<c10d::PrefixStore>("gloo", opened.store);
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
}

// libpillar_nccl.so beside libpillar.so, after LibTorch's CUDA half, whose symbols it takes.
decltype(&pillar_nccl_backend) load_nccl(std::string& reason) {
  cuda_module();
  const std::filesystem::path ours = loaded_file(reinterpret_cast<const void*>(&connect));
  void* library = ::dlopen((ours.parent_path() / "libpillar_nccl.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : ::dlsym(library, "pillar_nccl_backend");
  if (found == nullptr) {
    const char* text = ::dlerror();
    reason = text == nullptr ? "unknown fault" : text;
  }
  return reinterpret_cast<decltype(&pillar_nccl_backend)>(found);
}

// Null where NCCL was not built: Gloo takes CUDA tensors too, through the CPU.
BackendPtr nccl_backend(const RendezvousStore& opened, int rank, int size,
                        std::chrono::milliseconds timeout) {
  std::string reason;
  const auto make = load_nccl(reason);
  if (make == nullptr) {
    if (rank == 0) {
      spdlog::warn(
          "gradients travel through the CPU, which is slow: libpillar's NCCL module does not load: {} (it is "
          "built after scripts/setup.sh --cuda)",
          reason);
    }
    return {};
  }
  BackendPtr backend;
  make({c10::make_intrusive<c10d::PrefixStore>("nccl", opened.store), rank, size, timeout}, backend);
  return backend;
}

}  // namespace

Backends connect(const RendezvousStore& opened, const Rendezvous& rendezvous, at::Device device,
                 std::chrono::milliseconds timeout) {
  const int rank = static_cast<int>(rendezvous.rank), size = static_cast<int>(rendezvous.size);
  Backends backends;
  backends.cpu = gloo_backend(opened, rank, size, timeout);
  backends.device = backends.cpu;
  backends.group = c10::make_intrusive<c10d::ProcessGroup>(opened.store, rank, size);
  backends.group->setBackend(at::kCPU, GroupType::GLOO, backends.cpu);
  backends.group->setDefaultBackend(GroupType::GLOO);
  if (!device.is_cuda()) return backends;
  if (const BackendPtr nccl = nccl_backend(opened, rank, size, timeout)) {
    backends.device = nccl;
    backends.group->setBackend(at::kCUDA, GroupType::NCCL, nccl);
    backends.group->setDefaultBackend(GroupType::NCCL);
  } else {
    backends.group->setBackend(at::kCUDA, GroupType::GLOO, backends.cpu);
  }
  return backends;
}

}  // namespace pillar
