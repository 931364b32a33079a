// Merges attention over two sets of keys in one pass: a thread takes four numbers of a row, whose two weights
// it works out for itself.
#include "device/shared/cuda_kernel.h"

namespace pillar::cuda {
namespace {

constexpr int kMergeThreads = 256;
constexpr int kMergePack = 4;

// log(exp(a) + exp(b)). -inf is a set without keys.
__device__ float log_add(float a, float b) {
  const float larger = a > b ? a : b, smaller = a > b ? b : a;
  if (isinf(larger)) return larger;
  return larger + log1pf(expf(smaller - larger));
}

template <typename T>
__global__ void __launch_bounds__(kMergeThreads)
    merge_rows(T* out, const float* lse, const T* other, const float* other_lse, float* merged_lse,
               std::int64_t packs, int packs_of_row) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kMergeThreads;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kMergeThreads + threadIdx.x; at < packs;
       at += step) {
    const std::int64_t row = at / packs_of_row;
    const float merged = log_add(lse[row], other_lse[row]);
    const float own_weight = expf(lse[row] - merged), other_weight = expf(other_lse[row] - merged);
    auto pack = load<T, kMergePack>(out + at * kMergePack);
    const auto beside = load<T, kMergePack>(other + at * kMergePack);
#pragma unroll
    for (int i = 0; i < kMergePack; ++i)
      put(pack.values[i], as_float(pack.values[i]) * own_weight + as_float(beside.values[i]) * other_weight);
    store(out + at * kMergePack, pack);
    if (at % packs_of_row == 0) merged_lse[row] = merged;
  }
}

template <typename T>
int launch_merge(const PillarCudaMergeJob& job, cudaStream_t stream) {
  const auto packs_of_row = static_cast<int>(job.width / kMergePack);
  const std::int64_t packs = job.rows * packs_of_row;
  const unsigned blocks = blocks_for((packs + kMergeThreads - 1) / kMergeThreads, 1, job.device);
  return launch(merge_rows<T>, dim3(blocks), kMergeThreads, 0, stream, static_cast<T*>(job.out), job.lse,
                static_cast<const T*>(job.other), job.other_lse, job.merged_lse, packs, packs_of_row);
}

}  // namespace
}  // namespace pillar::cuda

extern "C" int pillar_cuda_merge(const PillarCudaMergeJob* job, void* stream) {
  return pillar::cuda::on_device_of(job, stream, [&](cudaStream_t queue) {
    if (job->type == PILLAR_CUDA_FLOAT32) return pillar::cuda::launch_merge<float>(*job, queue);
    if (job->type == PILLAR_CUDA_BFLOAT16) return pillar::cuda::launch_merge<__nv_bfloat16>(*job, queue);
    return pillar::cuda::launch_merge<__half>(*job, queue);
  });
}
