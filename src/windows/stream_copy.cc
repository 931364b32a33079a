#include "windows/shared/stream_copy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pillar::windows {

#if defined(__SSE2__)

void stream_copy(void* to, const void* from, std::size_t bytes) {
  constexpr std::size_t kBlock = sizeof(__m128i);
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  const std::size_t head =
      std::min(bytes, (kBlock - reinterpret_cast<std::uintptr_t>(target) % kBlock) % kBlock);
  std::memcpy(target, source, head);
  std::size_t done = head;
  for (; done + kBlock <= bytes; done += kBlock) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + done));
    _mm_stream_si128(reinterpret_cast<__m128i*>(target + done), block);
  }
  std::memcpy(target + done, source + done, bytes - done);
}

void stream_done() {
  _mm_sfence();
}

#else

void stream_copy(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}
void stream_done() {}

#endif

}  // namespace pillar::windows
