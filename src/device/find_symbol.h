// Internal: functions of libraries that are opened at run time.
#pragma once

#include <dlfcn.h>

namespace pillar {

// Whether the library has it.
template <typename Function>
bool find_symbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

}  // namespace pillar
