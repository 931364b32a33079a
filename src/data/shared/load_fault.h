// Internal: why a scan is not loaded, in one line.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <string>

namespace pillar {

// LibTorch's messages go on with a stack.
std::string first_line(const std::exception& error);

// A loader's bound lets one scan through whatever its size; a scan that would have the process killed is not
// let through. Throws Error(input) naming the path.
void require_memory(const std::filesystem::path& path, std::uint64_t needed_bytes);

}  // namespace pillar
