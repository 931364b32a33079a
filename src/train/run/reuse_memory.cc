#include "train/run/reuse_memory.h"

#include <limits>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace pillar {

void set_memory_policy([[maybe_unused]] bool reuse) {
#if defined(__GLIBC__)
  if (!reuse) {
    ::mallopt(M_MMAP_THRESHOLD, 2 << 20);
    return;
  }
  constexpr int kTopPad = 64 << 20;
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_TOP_PAD, kTopPad);
#endif
}

void return_freed_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace pillar
