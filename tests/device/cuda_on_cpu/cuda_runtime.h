// CUDA's runtime, as far as our kernels use it, for a CPU: in place of NVIDIA's header of this name. The
// threads of a block are fibers that take turns (run.h), so that what a kernel does can be tested, and
// watched by sanitizers, without a GPU.
#pragma once

#include "run.h"

#include <bit>
#include <cmath>
#include <cstdint>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

using cudaError_t = int;
using cudaStream_t = void*;
constexpr cudaError_t cudaSuccess = 0;
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount };

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
using dim3 = cuda_on_cpu::Dim3;

// The thread whose turn it is.
#define threadIdx (cuda_on_cpu::here().thread)
#define blockIdx (cuda_on_cpu::here().block)
#define gridDim (cuda_on_cpu::here().grid)

using std::isinf;

// One device, of few processors: grids stay small, so that their threads have to go round.
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int device) {
  constexpr cudaError_t kInvalidDevice = 101;
  return device == 0 ? cudaSuccess : kInvalidDevice;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;
  return cudaSuccess;
}
inline const char* cudaGetErrorString(cudaError_t) {
  return "invalid device ordinal";
}

inline void __syncthreads() {
  cuda_on_cpu::wait_for_block();
}
inline float __shfl_xor_sync(unsigned, float value, int lane_mask) {
  return std::bit_cast<float>(cuda_on_cpu::exchange(std::bit_cast<std::uint32_t>(value), lane_mask));
}

template <typename T>
T __ldcs(const T* from) {
  return *from;
}
template <typename T>
void __stcs(T* to, T value) {
  *to = value;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __saturatef(float x) {  // NaN becomes 0, as CUDA has it
  return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f;
}
inline float rsqrtf(float x) {
  return 1 / std::sqrt(x);
}
