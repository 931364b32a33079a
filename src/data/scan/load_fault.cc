#include "data/shared/load_fault.h"

#include "pillar/core/available_memory.h"
#include "pillar/core/fail.h"

#include "core/shared/first_line.h"

#include <new>

namespace pillar {

std::string first_line(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "out of memory";
  return first_line(std::string_view(error.what()));
}

void require_memory(const std::filesystem::path& path, std::uint64_t needed_bytes) {
  const std::uint64_t available = available_memory_bytes();
  if (needed_bytes <= available) return;
  fail(ErrorCategory::input, "{}: takes {} MB of memory to load, {} MB are available", path,
       needed_bytes >> 20, available >> 20);
}

}  // namespace pillar
