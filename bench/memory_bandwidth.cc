#include "memory_bandwidth.h"

#include "pillar/core/thread_pool.h"

#include "runner.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pillar::bench {
namespace {

using Fill = void (*)(char* begin, std::size_t bytes, char value);

void fill_plain(char* begin, std::size_t bytes, char value) {
  std::memset(begin, value, bytes);
}

#if defined(__SSE2__)
// `begin` is aligned to 64 bytes.
void fill_past_caches(char* begin, std::size_t bytes, char value) {
  const __m128i block = _mm_set1_epi8(value);
  for (std::size_t i = 0; i + sizeof(block) <= bytes; i += sizeof(block)) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(begin + i), block);
  }
  _mm_sfence();
}
#endif

double seconds_to_fill(Fill fill, char* buffer, std::size_t bytes, int threads, char value) {
  const std::size_t part = bytes / static_cast<std::size_t>(threads) / 64 * 64;
  const double begin = now_seconds();
  parallel_for(threads, threads,
               [&](std::int64_t i) { fill(buffer + static_cast<std::size_t>(i) * part, part, value); });
  return now_seconds() - begin;
}

}  // namespace

double write_bandwidth_gb(void* buffer, std::size_t bytes, int threads) {
  constexpr int kRuns = 5;
  auto* begin = static_cast<char*>(buffer);
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const auto value = static_cast<char>(run + 1);
    best = std::min(best, seconds_to_fill(fill_plain, begin, bytes, threads, value));
#if defined(__SSE2__)
    best = std::min(best, seconds_to_fill(fill_past_caches, begin, bytes, threads, value));
#endif
  }
  return static_cast<double>(bytes) / best / 1e9;
}

}  // namespace pillar::bench
