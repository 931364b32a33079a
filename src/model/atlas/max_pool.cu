// Maxima of blocks of a grid whose channels are innermost: a thread takes four channels of one block.
#include "device/shared/cuda_kernel.h"

namespace pillar::cuda {
namespace {

constexpr int kPoolThreads = 256;
constexpr int kPoolPack = 4;

struct PoolGrid {
  std::int64_t size_dhw[3];
  std::int64_t by_dhw[3];
  std::int64_t out_dhw[3];
  std::int64_t packs;  // of the channels
};

__device__ void take_larger(Pack<float, kPoolPack>& best, const Pack<float, kPoolPack>& other) {
#pragma unroll
  for (int i = 0; i < kPoolPack; ++i) {
    const float x = other.values[i];
    if (x > best.values[i] || x != x) best.values[i] = x;
  }
}

__global__ void __launch_bounds__(kPoolThreads)
    pool_blocks(const float* x, float* out, std::int64_t count, PoolGrid grid) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kPoolThreads;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kPoolThreads + threadIdx.x; at < count;
       at += step) {
    const std::int64_t pack = at % grid.packs, block = at / grid.packs;
    const std::int64_t w = block % grid.out_dhw[2], h = block / grid.out_dhw[2] % grid.out_dhw[1];
    const std::int64_t rest = block / (grid.out_dhw[2] * grid.out_dhw[1]);
    const std::int64_t d = rest % grid.out_dhw[0], sample = rest / grid.out_dhw[0];
    const std::int64_t corner =
        ((sample * grid.size_dhw[0] + d * grid.by_dhw[0]) * grid.size_dhw[1] + h * grid.by_dhw[1]) *
            grid.size_dhw[2] +
        w * grid.by_dhw[2];
    auto best = load<float, kPoolPack>(x + (corner * grid.packs + pack) * kPoolPack);
    for (std::int64_t i = 0; i < grid.by_dhw[0]; ++i) {
      for (std::int64_t j = 0; j < grid.by_dhw[1]; ++j) {
        const std::int64_t row = corner + (i * grid.size_dhw[1] + j) * grid.size_dhw[2];
        for (std::int64_t k = 0; k < grid.by_dhw[2]; ++k)
          take_larger(best, load<float, kPoolPack>(x + ((row + k) * grid.packs + pack) * kPoolPack));
      }
    }
    store(out + at * kPoolPack, best);
  }
}

int launch_pool(const PillarCudaMaxPoolJob& job, cudaStream_t stream) {
  PoolGrid grid = {};
  std::int64_t blocks = job.batch;
  for (int a = 0; a < 3; ++a) {
    grid.size_dhw[a] = job.size_dhw[a];
    grid.by_dhw[a] = job.by_dhw[a];
    grid.out_dhw[a] = job.size_dhw[a] / job.by_dhw[a];
    blocks *= grid.out_dhw[a];
  }
  grid.packs = job.channels / kPoolPack;
  const std::int64_t count = blocks * grid.packs;
  const unsigned size = blocks_for((count + kPoolThreads - 1) / kPoolThreads, 1, job.device);
  return launch(pool_blocks, dim3(size), kPoolThreads, 0, stream, job.x, job.out, count, grid);
}

}  // namespace
}  // namespace pillar::cuda

extern "C" int pillar_cuda_max_pool(const PillarCudaMaxPoolJob* job, void* stream) {
  return pillar::cuda::on_device_of(
      job, stream, [&](cudaStream_t queue) { return pillar::cuda::launch_pool(*job, queue); });
}
