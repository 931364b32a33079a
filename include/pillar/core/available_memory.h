// How much memory this process can still take without being killed for it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace pillar {

// The smaller of the machine's MemAvailable and what the process's control groups (versions 1 and 2) leave of
// their limits, reclaimable file cache counted as free. UINT64_MAX where the system says neither. `root`
// stands for "/" in tests.
std::uint64_t available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace pillar
