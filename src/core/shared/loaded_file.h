// Where a part of this process was loaded from: libraries and data that lie beside it are found that way.
#pragma once

#include <filesystem>

namespace pillar {

// The library (or the program) that `function` is in; empty where the dynamic linker does not know it.
std::filesystem::path loaded_file(const void* function);

}  // namespace pillar
