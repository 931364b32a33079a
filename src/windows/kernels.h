// Internal: the inner loops over voxels, compiled for several instruction sets and chosen when the program
// runs. All give the same bits.
#pragma once

#include <bit>
#include <cstdint>

namespace pillar::windows {

template <typename T>
struct Extremes {
  T min = 0;
  T max = 0;
};

// clamp((x - low) * scale, 0, 1)
struct AffineClamp {
  float low = 0;
  float scale = 0;
};

constexpr std::int64_t kLanes = 16;

// Up to kLanes neighbouring output channels made from one input channel. Unused lanes have scale 0.
struct LaneGroup {
  const float* values = nullptr;  // the input channel, converted
  std::int64_t first_channel = 0;
  std::int64_t lanes = 0;  // used
  float low[kLanes] = {};
  float scale[kLanes] = {};
};

constexpr std::int64_t kStreamAlignment = 64;  // bytes
constexpr std::int64_t kStreamStep = 32;       // voxels

// The loops that write one output type.
template <typename Out>
struct OutputKernels {
  void (*window)(const float*, AffineClamp, Out* out, std::int64_t count);
  // Channels last: voxel v's `channels` outputs at out + v * channels. Groups in order of their first
  // channel. May write up to kLanes - 1 elements past the end.
  void (*interleave)(const LaneGroup*, std::int64_t groups, std::int64_t channels, Out* out,
                     std::int64_t count);
  // As window, past the caches (stream_copy.h); out aligned to kStreamAlignment, count a multiple of
  // kStreamStep. Null where the instruction set brings nothing over a copy.
  void (*stream)(const float*, AffineClamp, Out* out, std::int64_t count) = nullptr;
};

struct Kernels {
  const char* name;
  Extremes<std::int16_t> (*extremes_int16)(const std::int16_t*, std::int64_t count);
  Extremes<std::uint16_t> (*extremes_uint16)(const std::uint16_t*, std::int64_t count);
  // Of ordered keys: a NaN or an infinity is beyond all finite values.
  Extremes<std::int32_t> (*extreme_keys_float)(const float*, std::int64_t count);
  // Sums of (x - origin) and of its square, in an order that depends on nothing but the count.
  double (*sum_float)(const float*, std::int64_t count, double origin);
  double (*squares_float)(const float*, std::int64_t count, double origin);

  void (*int16_to_float)(const std::int16_t*, float* out, std::int64_t count);
  void (*uint16_to_float)(const std::uint16_t*, float* out, std::int64_t count);

  OutputKernels<float> as_float;
  OutputKernels<std::uint16_t> as_bfloat16;
  OutputKernels<std::uint16_t> as_float16;
};

const Kernels& kernels();  // the widest that this processor runs
const Kernels* kernel_set(
    int index);  // 0 portable, then wider ones that this processor runs; null past the last

inline auto extremes_kernel(const std::int16_t*) {
  return kernels().extremes_int16;
}
inline auto extremes_kernel(const std::uint16_t*) {
  return kernels().extremes_uint16;
}

// Floats as integers in the same order.
inline float value_of_ordered_key(std::int32_t key) {
  return std::bit_cast<float>(key < 0 ? key ^ 0x7fffffff : key);
}

}  // namespace pillar::windows
