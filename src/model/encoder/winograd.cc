#include "model/encoder/winograd.h"

#include <algorithm>
#include <atomic>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>

namespace pillar {
namespace {

const WinogradKernel* kernel_for(std::int64_t in, std::int64_t out, at::ScalarType compute) {
  if (in % 16 != 0 || out % 16 != 0) return nullptr;
  if (compute == at::kBFloat16) {
    return __builtin_cpu_supports("avx512bf16") ? winograd_avx512_bf16(out) : nullptr;
  }
  if (__builtin_cpu_supports("avx512f")) return winograd_avx512(out);
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? winograd_avx2(out) : nullptr;
}

// One axis: 3 taps to 4 points.
void transform_taps(const double (&g)[3], double (&u)[4]) {
  u[0] = g[0];
  u[1] = (g[0] + g[1] + g[2]) / 2;
  u[2] = (g[0] - g[1] + g[2]) / 2;
  u[3] = g[2];
}

void transform_kernel(const float* taps, double (&points)[4][4][4]) {
  double a[3][3][4], b[3][4][4];
  for (int k = 0; k < 3; ++k) {
    for (int j = 0; j < 3; ++j) {
      transform_taps({taps[(k * 3 + j) * 3], taps[(k * 3 + j) * 3 + 1], taps[(k * 3 + j) * 3 + 2]}, a[k][j]);
    }
    for (int i = 0; i < 4; ++i) {
      double u[4];
      transform_taps({a[k][0][i], a[k][1][i], a[k][2][i]}, u);
      for (int j = 0; j < 4; ++j) b[k][j][i] = u[j];
    }
  }
  for (int j = 0; j < 4; ++j) {
    for (int i = 0; i < 4; ++i) {
      double u[4];
      transform_taps({b[0][j][i], b[1][j][i], b[2][j][i]}, u);
      for (int k = 0; k < 4; ++k) points[k][j][i] = u[k];
    }
  }
}

// (out, in, 27) to [point][out/columns][in/depth][columns][depth], depth 2 for pairs of bfloat16.
template <typename Element>
void pack(const float* weight, std::int64_t out, std::int64_t in, int columns, int depth, Element* packed) {
  double points[4][4][4];
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      transform_kernel(weight + (o * in + i) * 27, points);
      const std::int64_t at =
          o / columns * in * columns + i / depth * columns * depth + o % columns * depth + i % depth;
      for (int p = 0; p < kWinogradPoints; ++p) {
        packed[p * in * out + at] =
            static_cast<Element>(static_cast<float>(points[p / 16][p / 4 % 4][p % 4]));
      }
    }
  }
}

}  // namespace

bool WinogradConv::usable(const at::Tensor& weight, at::ScalarType compute) {
  return kernel_for(weight.size(1), weight.size(0), compute) != nullptr;
}

WinogradConv::WinogradConv(const at::Tensor& weight, const at::Tensor& bias, at::ScalarType compute,
                           const WinogradKernel* kernel)
    : kernel_(kernel ? kernel : kernel_for(weight.size(1), weight.size(0), compute)),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)) {
  const at::Tensor w = weight.contiguous();
  bias_ = bias.defined() ? bias.contiguous() : at::zeros({out_channels_}, w.options());
  packed_ =
      at::empty({kWinogradPoints, in_channels_, out_channels_}, kernel_->bf16 ? at::kBFloat16 : at::kFloat);
  if (kernel_->bf16) {
    pack(w.const_data_ptr<float>(), out_channels_, in_channels_, kernel_->columns, 2,
         packed_.mutable_data_ptr<c10::BFloat16>());
  } else {
    pack(w.const_data_ptr<float>(), out_channels_, in_channels_, kernel_->columns, 1,
         packed_.mutable_data_ptr<float>());
  }
}

void WinogradConv::operator()(const SliceRows& in, std::int64_t height, std::int64_t width,
                              std::int64_t first, std::int64_t last, float* out, at::Tensor& scratch) const {
  WinogradJob job;
  job.in = in.data, job.in_first = in.first, job.in_last = in.last;
  job.depth = in.depth, job.height = height, job.width = width;
  job.in_channels = in_channels_, job.out_channels = out_channels_;
  job.weights = packed_.const_data_ptr(), job.bias = bias_.const_data_ptr<float>();
  job.out = out, job.out_first = first, job.out_last = last;
  const std::int64_t tiles = (last - first + 1) / 2 * ((height + 1) / 2) * ((width + 1) / 2);
  const std::int64_t blocks = (tiles + kWinogradTiles - 1) / kWinogradTiles;
  const int threads = static_cast<int>(std::min<std::int64_t>(at::get_num_threads(), blocks));
  const std::int64_t bytes = (kernel_->scratch_bytes(job) + 63) / 64 * 64;
  if (!scratch.defined() || scratch.numel() < bytes * threads)
    scratch = at::empty({bytes * threads}, at::kByte);
  auto* memory = scratch.mutable_data_ptr<std::uint8_t>();
  // In LibTorch's own threads: others would compete with its workers, which spin for a while after their last
  // task. Blocks are handed out as threads come for them, so that a slow one holds nobody up.
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](std::int64_t first_thread, std::int64_t last_thread) {
    for (std::int64_t t = first_thread; t < last_thread; ++t) {
      for (std::int64_t b = next++; b < blocks; b = next++) {
        kernel_->run(job, b * kWinogradTiles, std::min(tiles, (b + 1) * kWinogradTiles), memory + t * bytes);
      }
    }
  });
}

}  // namespace pillar
