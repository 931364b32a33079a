// How fast this machine can write memory, the bound of everything that only moves voxels.
#pragma once

#include <cstddef>

namespace pillar::bench {

// GB/s (1e9 bytes) of filling a buffer that has been written before, on `threads` threads, each a part of its
// own: the best of several runs of memset and of stores that bypass the caches.
double write_bandwidth_gb(void* buffer, std::size_t bytes, int threads);

}  // namespace pillar::bench
