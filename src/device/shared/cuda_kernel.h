// Internal: what the sources of kernels (.cu) share. Tests compile them for the CPU, too, with headers of
// their own in place of CUDA's (tests/device/cuda_on_cpu), where the threads of a block take turns: so
// kernels are run, and watched by AddressSanitizer, on machines without a GPU.
#pragma once

#include "device/shared/job_check.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace pillar::cuda {

__device__ inline float as_float(float x) {
  return x;
}
__device__ inline float as_float(__nv_bfloat16 x) {
  return __bfloat162float(x);
}
__device__ inline float as_float(__half x) {
  return __half2float(x);
}

// Rounded to nearest, ties to even.
__device__ inline void put(float& out, float y) {
  out = y;
}
__device__ inline void put(__nv_bfloat16& out, float y) {
  out = __float2bfloat16_rn(y);
}
__device__ inline void put(__half& out, float y) {
  out = __float2half_rn(y);
}

// So many numbers side by side as one thread takes at a time. They lie at a multiple of 16 bytes, or of their
// own size where that is less.
template <typename T, int N>
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
  T values[N];
};

template <int bytes>
struct WordOf {
  using Type = uint4;
};
template <>
struct WordOf<8> {
  using Type = uint2;
};

// Past the caches, which the data does not fit in.
template <typename T, int N>
__device__ Pack<T, N> load_streamed(const T* from) {
  using Word = typename WordOf<sizeof(T) * N>::Type;
  Pack<T, N> pack;
  const auto* source = reinterpret_cast<const Word*>(from);
  auto* target = reinterpret_cast<Word*>(&pack);
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(pack) / sizeof(Word)); ++i) target[i] = __ldcs(source + i);
  return pack;
}

template <typename T, int N>
__device__ void store_streamed(T* to, const Pack<T, N>& pack) {
  using Word = typename WordOf<sizeof(T) * N>::Type;
  const auto* source = reinterpret_cast<const Word*>(&pack);
  auto* target = reinterpret_cast<Word*>(to);
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(pack) / sizeof(Word)); ++i) __stcs(target + i, source[i]);
}

template <typename T, int N>
__device__ Pack<T, N> load(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}

template <typename T, int N>
__device__ void store(T* to, const Pack<T, N>& pack) {
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

// The sum over the 32 threads of a warp, the same bits in all of them.
__device__ inline float warp_sum(float x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
  return x;
}

// Blocks enough to fill the device, each going on until all `work` of a row of the grid is done.
inline unsigned blocks_for(std::int64_t work, std::int64_t rows, int device) {
  int processors = 0;
  if (cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device) != cudaSuccess)
    processors = 108;
  const std::int64_t most = (static_cast<std::int64_t>(processors) * 16 + rows - 1) / rows;
  return static_cast<unsigned>(work < most ? work : most);
}

// Runs body(stream) with the job's device as the thread's own: what every function of the module does.
template <typename Job, typename Body>
int on_device_of(const Job* job, void* stream, const Body& body) {
  if (const int fault = check(job); fault != 0) return fault;
  int before = 0;
  if (const cudaError_t error = cudaGetDevice(&before); error != cudaSuccess) return error;
  if (const cudaError_t error = cudaSetDevice(job->device); error != cudaSuccess) return error;
  const int result = body(static_cast<cudaStream_t>(stream));
  if (before != job->device) cudaSetDevice(before);
  return result;
}

#if defined(__CUDACC__)

__device__ inline uint4* dynamic_shared() {
  extern __shared__ uint4 dynamic_shared_bytes[];
  return dynamic_shared_bytes;
}

template <typename... Parameters, typename... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, std::size_t shared_bytes,
           cudaStream_t stream, const Arguments&... arguments) {
  kernel<<<grid, threads, shared_bytes, stream>>>(static_cast<Parameters>(arguments)...);
  return cudaGetLastError();
}

#else

inline uint4* dynamic_shared() {
  return static_cast<uint4*>(cuda_on_cpu::dynamic_shared());
}

template <typename... Parameters, typename... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, std::size_t shared_bytes, cudaStream_t,
           const Arguments&... arguments) {
  cuda_on_cpu::run(grid, threads, shared_bytes, [&] { kernel(static_cast<Parameters>(arguments)...); });
  return cudaSuccess;
}

#endif

}  // namespace pillar::cuda
