#include "core/shared/loaded_file.h"

#include <dlfcn.h>

namespace pillar {

std::filesystem::path loaded_file(const void* function) {
  Dl_info info = {};
  return ::dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

}  // namespace pillar
