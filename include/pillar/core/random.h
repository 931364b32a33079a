// Random numbers that are the same to the bit on every machine, which those of the standard's distributions
// and of LibTorch are not. All of it is built on SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#pragma once

#include <cstdint>
#include <initializer_list>

namespace pillar {

constexpr std::uint64_t kSplitMixStep = 0x9E3779B97F4A7C15u;

// The finaliser of SplitMix64: a bijection of 64-bit words that makes every bit depend on every other. It
// leaves 0 as it is.
constexpr std::uint64_t split_mix(std::uint64_t word) noexcept {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
  return word ^ (word >> 31);
}

// The finaliser after one step, so that 0 is a word like any other: what SplitMix64 draws first from a seed.
constexpr std::uint64_t hash64(std::uint64_t word) noexcept {
  return split_mix(word + kSplitMixStep);
}

// SplitMix64 itself: one word after another, all decided by the state that it starts from.
struct SplitMix64 {
  std::uint64_t state = 0;
  constexpr std::uint64_t next() noexcept { return split_mix(state += kSplitMixStep); }
};

// A word that depends on every one of `words`, on their order and on how many they are: seeds for whoever
// draws.
constexpr std::uint64_t mix_seed(std::initializer_list<std::uint64_t> words) noexcept {
  std::uint64_t mixed = words.size();
  for (const std::uint64_t word : words) mixed = hash64(mixed ^ hash64(word));
  return mixed;
}

// What such a word says as a number of [0, 1): a multiple of 2^-53, each as likely as any other.
constexpr double unit_interval(std::uint64_t word) noexcept {
  return static_cast<double>(word >> 11) * 0x1p-53;
}

}  // namespace pillar
