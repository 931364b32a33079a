// Internal: the C interface of libpillar_cuda.so, which is compiled by nvcc and found at run time. Raw device
// pointers; a stream is a cudaStream_t.
#pragma once

#include <cstdint>

extern "C" {

// y = (x - low) * scale in float32, each operation rounded; clamped to [0,1] if `clamp`.
struct PillarCudaMap {
  float low;
  float scale;
  std::int32_t clamp;
};

enum PillarCudaType : std::int32_t {
  PILLAR_CUDA_INT16,
  PILLAR_CUDA_UINT16,
  PILLAR_CUDA_FLOAT32,
  PILLAR_CUDA_BFLOAT16,
  PILLAR_CUDA_FLOAT16
};

// Output channel = input channel * windows + window. The pointers are of `device`; its work is queued on
// `stream` (null: the default one).
struct PillarCudaWindowsJob {
  const void* voxels;         // (samples, channels, voxels_per_channel) int16, uint16 or float32
  const PillarCudaMap* maps;  // (samples, channels, windows), on the device
  void* out;                  // float32, bfloat16 or float16
  std::int64_t samples;
  std::int64_t channels;
  std::int64_t windows;
  std::int64_t voxels_per_channel;
  PillarCudaType voxel_type;
  PillarCudaType out_type;
  std::int32_t channels_last;  // 0: out is (samples, channels * windows, voxels); 1: channels innermost
  std::int32_t device;
};

constexpr std::int32_t kPillarCudaAbi = 1;
constexpr std::int64_t kPillarCudaMostChannels = 64;  // channels * windows

// The functions of the module. An int is 0, a fault of the arguments (below 0), or a cudaError_t (above 0).
std::int32_t pillar_cuda_abi();
int pillar_cuda_windows(const PillarCudaWindowsJob* job, void* stream);
const char* pillar_cuda_error(int code);
}
