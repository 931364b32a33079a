#include "device/shared/recorded_work.h"

#include "pillar/core/fail.h"
#include "pillar/device/memory_fault.h"

#include "core/shared/loaded_file.h"
#include "device/find_symbol.h"
#include "device/shared/cuda_module.h"
#include "device/shared/graph_abi.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace pillar {
namespace {

struct GraphModule {
  decltype(&pillar_graph_begin) begin = nullptr;
  decltype(&pillar_graph_end) end = nullptr;
  decltype(&pillar_graph_replay) replay = nullptr;
  decltype(&pillar_graph_free) free = nullptr;
};

// libpillar_graph.so beside libpillar.so, after LibTorch's CUDA half, whose symbols it takes.
GraphModule load_graphs() {
  cuda_module();
  const std::filesystem::path ours = loaded_file(reinterpret_cast<const void*>(&cuda_available));
  void* library = ::dlopen((ours.parent_path() / "libpillar_graph.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* text = ::dlerror();
    fail(ErrorCategory::unsupported,
         "CUDA graphs: libpillar's module for them does not load: {} (it is built after scripts/setup.sh "
         "--cuda)",
         text == nullptr ? "unknown fault" : text);
  }
  GraphModule module;
  const bool complete = find_symbol(library, "pillar_graph_begin", module.begin) &&
                        find_symbol(library, "pillar_graph_end", module.end) &&
                        find_symbol(library, "pillar_graph_replay", module.replay) &&
                        find_symbol(library, "pillar_graph_free", module.free);
  if (!complete)
    fail(ErrorCategory::unsupported, "libpillar_graph.so lacks functions of this version of libpillar");
  return module;
}

const GraphModule& graphs() {
  static const GraphModule once = load_graphs();
  return once;
}

// `later` goes on when `first` has done what it holds now.
void let_wait(const c10::Stream& later, const c10::Stream& first) {
  c10::Event done(first.device_type());
  done.record(first);
  done.block(later);
}

// For its life `aside` goes on where `here` was, and then `here` where `aside` has come, also by an
// exception: what lies in memory of the one is in use by the other.
struct Aside {
  Aside(const c10::Stream& here_, const c10::Stream& aside_) : here(here_), aside(aside_) {
    let_wait(aside, here);
  }
  ~Aside() { let_wait(here, aside); }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  c10::Stream here, aside;
};

}  // namespace

RecordedWork::RecordedWork(at::Device device, const std::string& what,
                           const std::function<at::Tensor()>& work)
    : device_(device) {
  const GraphModule& module = graphs();
  const c10::DeviceGuard on_device(device);
  const c10::impl::VirtualGuardImpl gpu(device.type());
  // The default queue cannot be recorded.
  const c10::Stream here = gpu.getStream(device), aside = gpu.getStreamFromGlobalPool(device);
  const Aside both(here, aside);
  const c10::StreamGuard queued_aside(aside);
  for (int i = 0; i < 2; ++i) work();
  try {
    graph_ = std::shared_ptr<void>(module.begin(), module.free);
    result_ = work();
    module.end(graph_.get());
  } catch (const std::exception& error) {
    graph_.reset();
    if (is_out_of_memory(error)) throw;
    fail(ErrorCategory::unsupported, "{} cannot be recorded as a CUDA graph: {}", what,
         fault_in_words(error));
  }
}

const at::Tensor& RecordedWork::replay() const {
  const c10::DeviceGuard on_device(device_);
  graphs().replay(graph_.get());
  return result_;
}

}  // namespace pillar
