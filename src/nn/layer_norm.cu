// Layer norm that reads and writes once: a warp takes a row, whose numbers stay in registers between the
// mean, the variance and the result.
#include "device/shared/cuda_kernel.h"

namespace pillar::cuda {
namespace {

constexpr int kWarp = 32;
constexpr int kRowsOfBlock = 8;
constexpr int kInPack = 4;
constexpr int kMostPacks = kPillarCudaWidestRow / (kWarp * kInPack);  // of a thread

template <typename X, typename Out>
struct NormRows {
  const X* x;
  const Out* delta;
  float* sum;
  const float* weight;
  const float* bias;
  Out* out;
  std::int64_t rows;
  int width;
  float epsilon;
};

// The row's numbers of this thread, with delta added and kept.
template <typename X, typename Out>
__device__ void read_row(const NormRows<X, Out>& job, std::int64_t row, int lane,
                         float (&values)[kMostPacks][kInPack]) {
#pragma unroll
  for (int p = 0; p < kMostPacks; ++p) {
    const int at = (p * kWarp + lane) * kInPack;
    if (at >= job.width) break;
    const std::int64_t place = row * job.width + at;
    const Pack<X, kInPack> pack = load<X, kInPack>(job.x + place);
#pragma unroll
    for (int i = 0; i < kInPack; ++i) values[p][i] = as_float(pack.values[i]);
    if (job.delta == nullptr) continue;
    const Pack<Out, kInPack> delta = load<Out, kInPack>(job.delta + place);
    Pack<float, kInPack> sum;
#pragma unroll
    for (int i = 0; i < kInPack; ++i) sum.values[i] = values[p][i] += as_float(delta.values[i]);
    store(job.sum + place, sum);
  }
}

template <typename X, typename Out>
__device__ void write_row(const NormRows<X, Out>& job, std::int64_t row, int lane, float mean, float scale,
                          const float (&values)[kMostPacks][kInPack]) {
#pragma unroll
  for (int p = 0; p < kMostPacks; ++p) {
    const int at = (p * kWarp + lane) * kInPack;
    if (at >= job.width) break;
    const auto weight = load<float, kInPack>(job.weight + at), bias = load<float, kInPack>(job.bias + at);
    Pack<Out, kInPack> result;
#pragma unroll
    for (int i = 0; i < kInPack; ++i)
      put(result.values[i], (values[p][i] - mean) * scale * weight.values[i] + bias.values[i]);
    store(job.out + row * job.width + at, result);
  }
}

template <typename X, typename Out>
__global__ void __launch_bounds__(kWarp* kRowsOfBlock) layer_norm_rows(NormRows<X, Out> job) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kRowsOfBlock;
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRowsOfBlock + threadIdx.x / kWarp;
       row < job.rows; row += step) {
    float values[kMostPacks][kInPack] = {};
    read_row(job, row, lane, values);
    float total = 0;
#pragma unroll
    for (int p = 0; p < kMostPacks; ++p) {
#pragma unroll
      for (int i = 0; i < kInPack; ++i) total += values[p][i];
    }
    const auto count = static_cast<float>(job.width);
    const float mean = warp_sum(total) / count;
    float squares = 0;
#pragma unroll
    for (int p = 0; p < kMostPacks; ++p) {
      if ((p * kWarp + lane) * kInPack >= job.width) break;
#pragma unroll
      for (int i = 0; i < kInPack; ++i) squares += (values[p][i] - mean) * (values[p][i] - mean);
    }
    write_row(job, row, lane, mean, rsqrtf(warp_sum(squares) / count + job.epsilon), values);
  }
}

template <typename X, typename Out>
int launch_norm(const PillarCudaLayerNormJob& job, cudaStream_t stream) {
  const NormRows<X, Out> rows = {static_cast<const X*>(job.x),
                                 static_cast<const Out*>(job.delta),
                                 job.sum,
                                 job.weight,
                                 job.bias,
                                 static_cast<Out*>(job.out),
                                 job.rows,
                                 static_cast<int>(job.width),
                                 job.epsilon};
  const unsigned blocks = blocks_for((job.rows + kRowsOfBlock - 1) / kRowsOfBlock, 1, job.device);
  return launch(layer_norm_rows<X, Out>, dim3(blocks), kWarp * kRowsOfBlock, 0, stream, rows);
}

template <typename Out>
int launch_norm_to(const PillarCudaLayerNormJob& job, cudaStream_t stream) {
  if (job.x_type == PILLAR_CUDA_FLOAT32) return launch_norm<float, Out>(job, stream);
  return launch_norm<Out, Out>(job, stream);
}

}  // namespace
}  // namespace pillar::cuda

extern "C" int pillar_cuda_layer_norm(const PillarCudaLayerNormJob* job, void* stream) {
  return pillar::cuda::on_device_of(job, stream, [&](cudaStream_t queue) {
    if (job->out_type == PILLAR_CUDA_FLOAT32) return pillar::cuda::launch_norm_to<float>(*job, queue);
    if (job->out_type == PILLAR_CUDA_BFLOAT16)
      return pillar::cuda::launch_norm_to<__nv_bfloat16>(*job, queue);
    return pillar::cuda::launch_norm_to<__half>(*job, queue);
  });
}
