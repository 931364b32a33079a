// The multi-window pass: every voxel is read once, as it is stored, and written once a window. Bound by what
// is written (11 windows of bf16: 22 bytes for 2 read), so the reads need no staging: 16 bytes at a time in
// and out, past the caches on the way out.
#include "device/shared/cuda_kernel.h"

namespace pillar::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPack = 8;    // voxels a thread takes at a time, channels first
constexpr int kTile = 128;  // voxels a block takes at a time, channels last

// Separate roundings, as the CPU computes: no fused multiply-add.
__device__ float mapped(float x, const PillarCudaMap& map) {
  const float y = __fmul_rn(__fsub_rn(x, map.low), map.scale);
  return map.clamp != 0 ? __saturatef(y) : y;
}

// Channels first. A row of the grid is one input channel of one sample.
template <typename In, typename Out>
__global__ void __launch_bounds__(kThreads)
    windows_by_pack(const In* voxels, const PillarCudaMap* maps, Out* out, std::int64_t count, int windows) {
  __shared__ PillarCudaMap row_maps[kPillarCudaMostChannels];
  const std::int64_t row = blockIdx.y;
  if (static_cast<int>(threadIdx.x) < windows) row_maps[threadIdx.x] = maps[row * windows + threadIdx.x];
  __syncthreads();
  const In* in = voxels + row * count;
  Out* row_out = out + row * windows * count;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads * kPack;
  for (std::int64_t at = (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kPack; at < count;
       at += step) {
    const auto pack = load_streamed<In, kPack>(in + at);
    float x[kPack];
#pragma unroll
    for (int i = 0; i < kPack; ++i) x[i] = static_cast<float>(pack.values[i]);
#pragma unroll 4
    for (int w = 0; w < windows; ++w) {
      const PillarCudaMap map = row_maps[w];
      Pack<Out, kPack> result;
#pragma unroll
      for (int i = 0; i < kPack; ++i) put(result.values[i], mapped(x[i], map));
      store_streamed(row_out + w * count + at, result);
    }
  }
}

// The same where rows do not begin at 16 bytes.
template <typename In, typename Out>
__global__ void __launch_bounds__(kThreads)
    windows_by_voxel(const In* voxels, const PillarCudaMap* maps, Out* out, std::int64_t count, int windows) {
  const std::int64_t row = blockIdx.y;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; at < count;
       at += step) {
    const auto x = static_cast<float>(voxels[row * count + at]);
    for (int w = 0; w < windows; ++w) {
      put(out[(row * windows + w) * count + at], mapped(x, maps[row * windows + w]));
    }
  }
}

// Channels last. A row of the grid is a sample; a tile's outputs are put in order in shared memory, where
// they are one run of bytes of the output. Channels that pad the windows are zero.
template <typename In, typename Out>
__global__ void __launch_bounds__(kTile)
    windows_interleaved(const In* voxels, const PillarCudaMap* maps, Out* out, std::int64_t count,
                        int channels, int windows, int padded) {
  uint4* tile_bytes = dynamic_shared();
  __shared__ PillarCudaMap sample_maps[kPillarCudaMostChannels];
  const int all = channels * windows;
  const std::int64_t sample = blockIdx.y;
  if (static_cast<int>(threadIdx.x) < all) sample_maps[threadIdx.x] = maps[sample * all + threadIdx.x];
  auto* tile = reinterpret_cast<Out*>(tile_bytes);
  for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile; first < count;
       first += static_cast<std::int64_t>(gridDim.x) * kTile) {
    __syncthreads();  // the maps are there; the last tile has been written out
    const std::int64_t voxel = first + threadIdx.x;
    for (int c = 0; voxel < count && c < channels; ++c) {
      const auto x = static_cast<float>(voxels[(sample * channels + c) * count + voxel]);
      for (int w = c * windows; w < (c + 1) * windows; ++w) {
        put(tile[static_cast<int>(threadIdx.x) * padded + w], mapped(x, sample_maps[w]));
      }
    }
    for (int w = all; w < padded; ++w) put(tile[static_cast<int>(threadIdx.x) * padded + w], 0.0f);
    __syncthreads();
    const std::int64_t left = count - first < kTile ? count - first : kTile;
    const int elements = static_cast<int>(left) * padded;
    Out* target = out + (sample * count + first) * padded;
    const bool whole = reinterpret_cast<std::uintptr_t>(target) % sizeof(uint4) == 0;
    const int packs = whole ? static_cast<int>(elements * sizeof(Out) / sizeof(uint4)) : 0;
    for (int i = threadIdx.x; i < packs; i += kTile)
      __stcs(reinterpret_cast<uint4*>(target) + i, tile_bytes[i]);
    const int done = static_cast<int>(packs * (sizeof(uint4) / sizeof(Out)));
    for (int i = done + threadIdx.x; i < elements; i += kTile) target[i] = tile[i];
  }
}

template <typename In, typename Out>
int launch_windows(const PillarCudaWindowsJob& job, cudaStream_t stream) {
  const auto* voxels = static_cast<const In*>(job.voxels);
  auto* out = static_cast<Out*>(job.out);
  const std::int64_t count = job.voxels_per_channel;
  const int channels = static_cast<int>(job.channels), windows = static_cast<int>(job.windows);
  if (job.channels_last != 0) {
    const dim3 grid(blocks_for((count + kTile - 1) / kTile, job.samples, job.device),
                    static_cast<unsigned>(job.samples));
    const std::size_t shared = sizeof(Out) * kTile * static_cast<std::size_t>(job.out_channels);
    return launch(windows_interleaved<In, Out>, grid, kTile, shared, stream, voxels, job.maps, out, count,
                  channels, windows, job.out_channels);
  }
  const std::int64_t rows = job.samples * job.channels;
  const bool packs = count % kPack == 0 && is_aligned(voxels, 16) && is_aligned(out, 16);
  const std::int64_t a_block = packs ? kThreads * kPack : kThreads;
  const dim3 grid(blocks_for((count + a_block - 1) / a_block, rows, job.device), static_cast<unsigned>(rows));
  const auto kernel = packs ? windows_by_pack<In, Out> : windows_by_voxel<In, Out>;
  return launch(kernel, grid, kThreads, 0, stream, voxels, job.maps, out, count, windows);
}

template <typename In>
int launch_from(const PillarCudaWindowsJob& job, cudaStream_t stream) {
  if (job.out_type == PILLAR_CUDA_FLOAT32) return launch_windows<In, float>(job, stream);
  if (job.out_type == PILLAR_CUDA_BFLOAT16) return launch_windows<In, __nv_bfloat16>(job, stream);
  return launch_windows<In, __half>(job, stream);
}

}  // namespace
}  // namespace pillar::cuda

extern "C" {

std::int32_t pillar_cuda_abi() {
  return kPillarCudaAbi;
}

const char* pillar_cuda_error(int code) {
  return code < 0 ? pillar::cuda::fault_text(code) : cudaGetErrorString(static_cast<cudaError_t>(code));
}

int pillar_cuda_windows(const PillarCudaWindowsJob* job, void* stream) {
  return pillar::cuda::on_device_of(job, stream, [&](cudaStream_t queue) {
    if (job->voxel_type == PILLAR_CUDA_INT16) return pillar::cuda::launch_from<std::int16_t>(*job, queue);
    if (job->voxel_type == PILLAR_CUDA_UINT16) return pillar::cuda::launch_from<std::uint16_t>(*job, queue);
    return pillar::cuda::launch_from<float>(*job, queue);
  });
}
}
