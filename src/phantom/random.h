// Internal: random numbers that are specified here to the bit, since the std distributions are not.
#pragma once

#include "pillar/core/random.h"

#include <cstdint>

namespace pillar::phantom {

using pillar::hash64;
constexpr std::uint64_t hash64(std::uint64_t seed, std::uint64_t index) {
  return hash64(hash64(seed) ^ (index * 0xD1342543DE82EF95u));
}

// A counter-based stream. Streams of one seed are independent: what one of them draws never moves another.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : key_(hash64(seed, stream)) {}
  std::uint64_t bits() { return hash64(key_, counter_++); }
  double uniform() { return unit_interval(bits()); }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  int below(int count) { return static_cast<int>(uniform() * count); }
  int sign() { return (bits() >> 63) != 0 ? 1 : -1; }
  // Bell-shaped with standard deviation 1 and bounded by 3.5 (a sum of four uniforms): a patient has no
  // outliers.
  double bell() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508075688772; }

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

// Near-normal noise of one voxel: the sum of the four 16-bit parts of a hash, standard deviation 1.
inline float noise_of(std::uint64_t word) {
  const auto sum =
      static_cast<std::int32_t>(word & 0xFFFF) + static_cast<std::int32_t>((word >> 16) & 0xFFFF) +
      static_cast<std::int32_t>((word >> 32) & 0xFFFF) + static_cast<std::int32_t>(word >> 48) - 131070;
  return static_cast<float>(sum) * (1.7320508075688772f / 65536.0f);
}

}  // namespace pillar::phantom
