// Bias, activation and residual after a convolution, in one pass over its output. The threads of the grid are
// a multiple of a row's packs, so that each has the same channels all the way and reads their bias once.
#include "device/shared/cuda_kernel.h"

#include <numeric>

namespace pillar::cuda {
namespace {

constexpr int kEpilogueThreads = 256;
constexpr int kEpiloguePack = 8;

template <PillarCudaActivation activation>
__device__ float activated(float x) {
  if (activation == PILLAR_CUDA_RELU) return x < 0 ? 0.0f : x;  // NaN stays
  if (activation == PILLAR_CUDA_GELU) return 0.5f * x * (1.0f + erff(x * 0.70710678118654752440f));
  return x;
}

template <typename T, PillarCudaActivation activation>
__global__ void __launch_bounds__(kEpilogueThreads)
    finish_convolution(T* x, const float* bias, const T* residual, std::int64_t packs, int packs_of_row) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kEpilogueThreads + threadIdx.x;
  const int channel = static_cast<int>(first % packs_of_row) * kEpiloguePack;
  float own_bias[kEpiloguePack];
#pragma unroll
  for (int i = 0; i < kEpiloguePack; ++i) own_bias[i] = bias == nullptr ? 0.0f : bias[channel + i];
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kEpilogueThreads;
  for (std::int64_t at = first; at < packs; at += step) {
    auto pack = load_streamed<T, kEpiloguePack>(x + at * kEpiloguePack);
    float y[kEpiloguePack];
#pragma unroll
    for (int i = 0; i < kEpiloguePack; ++i)
      y[i] = activated<activation>(as_float(pack.values[i]) + own_bias[i]);
    if (residual != nullptr) {
      const auto beside = load_streamed<T, kEpiloguePack>(residual + at * kEpiloguePack);
#pragma unroll
      for (int i = 0; i < kEpiloguePack; ++i) y[i] += as_float(beside.values[i]);
    }
#pragma unroll
    for (int i = 0; i < kEpiloguePack; ++i) put(pack.values[i], y[i]);
    store_streamed(x + at * kEpiloguePack, pack);
  }
}

template <typename T, PillarCudaActivation activation>
int launch_epilogue(const PillarCudaEpilogueJob& job, cudaStream_t stream) {
  const auto packs_of_row = static_cast<int>(job.channels / kEpiloguePack);
  const std::int64_t packs = job.rows * packs_of_row;
  const std::int64_t wanted = blocks_for((packs + kEpilogueThreads - 1) / kEpilogueThreads, 1, job.device);
  const std::int64_t multiple = packs_of_row / std::gcd(kEpilogueThreads, packs_of_row);
  const auto blocks = static_cast<unsigned>((wanted + multiple - 1) / multiple * multiple);
  return launch(finish_convolution<T, activation>, dim3(blocks), kEpilogueThreads, 0, stream,
                static_cast<T*>(job.x), job.bias, static_cast<const T*>(job.residual), packs, packs_of_row);
}

template <typename T>
int launch_epilogue_of(const PillarCudaEpilogueJob& job, cudaStream_t stream) {
  if (job.activation == PILLAR_CUDA_RELU) return launch_epilogue<T, PILLAR_CUDA_RELU>(job, stream);
  if (job.activation == PILLAR_CUDA_GELU) return launch_epilogue<T, PILLAR_CUDA_GELU>(job, stream);
  return launch_epilogue<T, PILLAR_CUDA_NONE>(job, stream);
}

}  // namespace
}  // namespace pillar::cuda

extern "C" int pillar_cuda_epilogue(const PillarCudaEpilogueJob* job, void* stream) {
  return pillar::cuda::on_device_of(job, stream, [&](cudaStream_t queue) {
    if (job->type == PILLAR_CUDA_FLOAT32) return pillar::cuda::launch_epilogue_of<float>(*job, queue);
    if (job->type == PILLAR_CUDA_BFLOAT16)
      return pillar::cuda::launch_epilogue_of<__nv_bfloat16>(*job, queue);
    return pillar::cuda::launch_epilogue_of<__half>(*job, queue);
  });
}
