// Internal: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), a bijection of 64-bit words
// that makes every bit depend on every other. What draws to the bit on every machine is built on it.
#pragma once

#include <cstdint>

namespace pillar {

constexpr std::uint64_t kSplitMixStep = 0x9E3779B97F4A7C15u;

constexpr std::uint64_t split_mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace pillar
