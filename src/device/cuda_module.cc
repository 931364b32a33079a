#include "device/shared/cuda_module.h"

#include "pillar/core/fail.h"

#include "core/shared/loaded_file.h"
#include "device/cuda_driver.h"
#include "device/find_symbol.h"
#include "device/shared/tf32.h"

#include <filesystem>

#include <c10/core/CPUAllocator.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  CudaModule module;
  std::string missing;  // empty: everything is there
};

std::string dl_reason() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown fault" : text;
}

// Opens libtorch_cuda.so beside libc10.so, then libpillar_cuda.so beside libpillar.so.
Loaded load() {
  forbid_tf32();
  if (std::string missing = why_none(cuda_driver()); !missing.empty()) return {{}, std::move(missing)};
  const fs::path torch = loaded_file(reinterpret_cast<const void*>(&c10::GetCPUAllocator));
  if (::dlopen((torch.parent_path() / "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {{},
            fmt::format("LibTorch's CUDA half does not load: {} (scripts/setup.sh --cuda installs it; a "
                        "bundle made for processors has none)",
                        dl_reason())};
  }
  const fs::path ours = loaded_file(reinterpret_cast<const void*>(&cuda_available));
  void* library = ::dlopen((ours.parent_path() / "libpillar_cuda.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return {
        {},
        fmt::format("libpillar's CUDA module does not load: {} (built where CMake finds nvcc)", dl_reason())};
  }
  decltype(&pillar_cuda_abi) abi = nullptr;
  if (!find_symbol(library, "pillar_cuda_abi", abi) || abi() != kPillarCudaAbi)
    return {{}, "libpillar_cuda.so is of another version of libpillar"};
  CudaModule module;
  const bool complete = find_symbol(library, "pillar_cuda_windows", module.windows) &&
                        find_symbol(library, "pillar_cuda_layer_norm", module.layer_norm) &&
                        find_symbol(library, "pillar_cuda_epilogue", module.epilogue) &&
                        find_symbol(library, "pillar_cuda_max_pool", module.max_pool) &&
                        find_symbol(library, "pillar_cuda_merge", module.merge) &&
                        find_symbol(library, "pillar_cuda_error", module.error);
  if (!complete) return {{}, "libpillar_cuda.so lacks functions of this version of libpillar"};
  return {module, {}};
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

const std::string& cuda_missing() {
  return loaded().missing;
}

bool cuda_available() {
  return cuda_missing().empty();
}

const CudaModule& cuda_module() {
  if (!cuda_available()) fail(ErrorCategory::unsupported, "no CUDA device can be used: {}", cuda_missing());
  return loaded().module;
}

void check_cuda(int code, const CudaModule& module, const char* what) {
  if (code != 0) fail(ErrorCategory::unsupported, "{}: {}", what, module.error(code));
}

}  // namespace pillar
