// Internal: the C interface of libpillar_cuda.so, which is compiled by nvcc and found at run time. Raw device
// pointers; a stream is a cudaStream_t. Every job names its device; its work is queued on `stream` (null: the
// default one). float32 is computed inside, whatever the types outside.
#pragma once

#include <cstdint>

extern "C" {

enum PillarCudaType : std::int32_t {
  PILLAR_CUDA_INT16,
  PILLAR_CUDA_UINT16,
  PILLAR_CUDA_FLOAT32,
  PILLAR_CUDA_BFLOAT16,
  PILLAR_CUDA_FLOAT16
};

// y = (x - low) * scale in float32, each operation rounded; clamped to [0,1] if `clamp`.
struct PillarCudaMap {
  float low;
  float scale;
  std::int32_t clamp;
};

// Output channel = input channel * windows + window.
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
  std::int64_t out_channels;  // channels * windows, or more where they are innermost: those left are zero
};

// Rows of numbers, each made to have mean 0 and variance 1, then times weight plus bias. With `delta`, the
// rows are x + delta, which `sum` keeps.
struct PillarCudaLayerNormJob {
  const void* x;        // (rows, width) float32, or out_type where there is no delta
  const void* delta;    // (rows, width) out_type, or null
  float* sum;           // (rows, width), with delta; may be x
  const float* weight;  // (width)
  const float* bias;    // (width)
  void* out;            // (rows, width) float32, bfloat16 or float16
  std::int64_t rows;
  std::int64_t width;  // a multiple of 4, at most kPillarCudaWidestRow
  PillarCudaType x_type;
  PillarCudaType out_type;
  float epsilon;
  std::int32_t device;
};

enum PillarCudaActivation : std::int32_t { PILLAR_CUDA_NONE, PILLAR_CUDA_RELU, PILLAR_CUDA_GELU };

// What follows a convolution: x = activation(x + bias) + residual, in place, channels innermost. GELU is the
// exact one, by the error function.
struct PillarCudaEpilogueJob {
  void* x;               // (rows, channels) float32, bfloat16 or float16
  const float* bias;     // (channels), or null
  const void* residual;  // (rows, channels) of x's type, or null
  std::int64_t rows;
  std::int64_t channels;  // a multiple of 8
  PillarCudaType type;
  PillarCudaActivation activation;
  std::int32_t device;
};

// The maxima of blocks of a grid, channels innermost. What the blocks do not reach at the ends is left out;
// NaN is larger than all else.
struct PillarCudaMaxPoolJob {
  const float* x;  // (batch, size_dhw, channels)
  float* out;      // (batch, size_dhw / by_dhw, channels)
  std::int64_t batch;
  std::int64_t size_dhw[3];
  std::int64_t by_dhw[3];
  std::int64_t channels;  // a multiple of 4
  std::int32_t device;
};

// Attention over two sets of keys from that over each: out, the weighted mean of the two by the
// log-sum-exps of their scores, and the log-sum-exp over both.
struct PillarCudaMergeJob {
  void* out;               // (rows, width): of the first set, then of both
  const float* lse;        // (rows), of the first set
  const void* other;       // (rows, width), of the second
  const float* other_lse;  // (rows)
  float* merged_lse;       // (rows), elsewhere
  std::int64_t rows;
  std::int64_t width;   // a multiple of 4
  PillarCudaType type;  // of out and other
  std::int32_t device;
};

constexpr std::int32_t kPillarCudaAbi = 3;
constexpr std::int64_t kPillarCudaMostChannels = 64;  // of windows, padded ones included
constexpr std::int64_t kPillarCudaWidestRow = 1024;   // of a layer norm

// The functions of the module. An int is 0, a fault of the arguments (below 0), or a cudaError_t (above 0).
std::int32_t pillar_cuda_abi();
int pillar_cuda_windows(const PillarCudaWindowsJob* job, void* stream);
int pillar_cuda_layer_norm(const PillarCudaLayerNormJob* job, void* stream);
int pillar_cuda_epilogue(const PillarCudaEpilogueJob* job, void* stream);
int pillar_cuda_max_pool(const PillarCudaMaxPoolJob* job, void* stream);
int pillar_cuda_merge(const PillarCudaMergeJob* job, void* stream);
const char* pillar_cuda_error(int code);
}
