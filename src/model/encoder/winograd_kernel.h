// The Winograd kernel, written once for every vector width. Each including source compiles it for one
// instruction set, in an anonymous namespace: no function of it may be shared between objects built with
// different flags.
#pragma once

#include "model/encoder/winograd_job.h"

#include <cstdint>
#include <cstring>

namespace pillar {
namespace {

// Isa: Vec (float lanes), kLanes, kRows (tiles a product works on), Element (of transformed inputs and
// weights), kDepth (input channels multiplied at once), load, store_element, multiply_add.
template <typename Isa, int kPanels>
struct Winograd {
  using Vec = typename Isa::Vec;
  using Element = typename Isa::Element;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kRows = Isa::kRows;
  static constexpr int kColumns = kPanels * kLanes;

  // One cache line is added to each point's stride: without it all 64 would fall into the same cache set.
  static std::int64_t input_stride(const WinogradJob& job) {
    return kWinogradTiles * job.in_channels + 64 / static_cast<std::int64_t>(sizeof(Element));
  }
  static std::int64_t product_stride(const WinogradJob& job) {
    return kWinogradTiles * job.out_channels + 16;
  }

  static std::int64_t scratch_bytes(const WinogradJob& job) {
    return kWinogradPoints * (input_stride(job) * static_cast<std::int64_t>(sizeof(Element)) +
                              product_stride(job) * static_cast<std::int64_t>(sizeof(float)));
  }

  static void transform4(Vec& a, Vec& b, Vec& c, Vec& d) {
    const Vec a0 = a - c, b0 = b + c, c0 = c - b, d0 = b - d;
    a = a0, b = b0, c = c0, d = d0;
  }

  // Inputs of one tile, kLanes channels at a time, to the 64 points.
  static void transform_input(const WinogradJob& job, std::int64_t z, std::int64_t y, std::int64_t x,
                              Element* to) {
    const std::int64_t channels = job.in_channels, stride = input_stride(job);
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      Vec t[4][4][4];
      for (int k = 0; k < 4; ++k) {
        const std::int64_t zz = z + k;
        for (int j = 0; j < 4; ++j) {
          const std::int64_t yy = y + j;
          const bool inside = zz >= 0 && zz < job.depth && yy >= 0 && yy < job.height;
          const float* line =
              inside ? job.in + (((zz - job.in_first) * job.height + yy) * job.width) * channels + c
                     : nullptr;
          for (int i = 0; i < 4; ++i) {
            const std::int64_t xx = x + i;
            t[k][j][i] = inside && xx >= 0 && xx < job.width ? Isa::load(line + xx * channels) : Vec{};
          }
          transform4(t[k][j][0], t[k][j][1], t[k][j][2], t[k][j][3]);
        }
        for (int i = 0; i < 4; ++i) transform4(t[k][0][i], t[k][1][i], t[k][2][i], t[k][3][i]);
      }
      for (int j = 0; j < 4; ++j) {
        for (int i = 0; i < 4; ++i) {
          transform4(t[0][j][i], t[1][j][i], t[2][j][i], t[3][j][i]);
          for (int k = 0; k < 4; ++k) Isa::store_element(to + ((k * 4 + j) * 4 + i) * stride + c, t[k][j][i]);
        }
      }
    }
  }

  // (kRows x in) (in x kColumns), accumulators in registers.
  static void multiply_panel(const Element* a, std::int64_t channels, const Element* b, float* c,
                             std::int64_t ldc) {
    Vec sum[kRows][kPanels] = {};
    for (std::int64_t k = 0; k < channels; k += Isa::kDepth) {
      const Element* row = b + k * kColumns;
      typename Isa::Weights w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = Isa::load_weights(row + p * kLanes * Isa::kDepth);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const auto x = Isa::broadcast(a + r * channels + k);
#pragma GCC unroll 4
        for (int p = 0; p < kPanels; ++p) sum[r][p] = Isa::multiply_add(sum[r][p], x, w[p]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; ++p) Isa::store(c + r * ldc + p * kLanes, sum[r][p]);
    }
  }

  static void multiply(const WinogradJob& job, std::int64_t tiles, const Element* inputs, float* products) {
    const std::int64_t in = job.in_channels, out = job.out_channels;
    const auto* weights = static_cast<const Element*>(job.weights);
    for (int point = 0; point < kWinogradPoints; ++point) {
      const Element* a = inputs + point * input_stride(job);
      float* c = products + point * product_stride(job);
      const Element* b = weights + point * in * out;
      for (std::int64_t column = 0; column < out; column += kColumns, b += in * kColumns) {
        for (std::int64_t t = 0; t < tiles; t += kRows)
          multiply_panel(a + t * in, in, b, c + t * out + column, out);
      }
    }
  }

  // The 64 products of one tile to its 2x2x2 outputs, those past the end of an axis left out.
  static void transform_output(const WinogradJob& job, std::int64_t z, std::int64_t y, std::int64_t x,
                               const float* from) {
    const std::int64_t channels = job.out_channels, stride = product_stride(job);
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      Vec u[4][2][2];
      for (int k = 0; k < 4; ++k) {
        Vec s[4][2];
        for (int j = 0; j < 4; ++j) {
          const float* p = from + (k * 4 + j) * 4 * stride + c;
          const Vec m0 = Isa::load(p), m1 = Isa::load(p + stride), m2 = Isa::load(p + 2 * stride),
                    m3 = Isa::load(p + 3 * stride);
          s[j][0] = m0 + m1 + m2;
          s[j][1] = m1 - m2 - m3;
        }
        for (int i = 0; i < 2; ++i) {
          u[k][0][i] = s[0][i] + s[1][i] + s[2][i];
          u[k][1][i] = s[1][i] - s[2][i] - s[3][i];
        }
      }
      const Vec bias = Isa::load(job.bias + c);
      for (int j = 0; j < 2 && y + j < job.height; ++j) {
        for (int i = 0; i < 2 && x + i < job.width; ++i) {
          float* to =
              job.out + (((z - job.out_first) * job.height + y + j) * job.width + x + i) * channels + c;
          Isa::store(to, u[0][j][i] + u[1][j][i] + u[2][j][i] + bias);
          if (z + 1 < job.out_last) {
            Isa::store(to + job.height * job.width * channels, u[1][j][i] - u[2][j][i] - u[3][j][i] + bias);
          }
        }
      }
    }
  }

  static void run(const WinogradJob& job, std::int64_t first_tile, std::int64_t last_tile, void* scratch) {
    auto* inputs = static_cast<Element*>(scratch);
    auto* products = reinterpret_cast<float*>(inputs + kWinogradPoints * input_stride(job));
    const std::int64_t across = (job.width + 1) / 2, down = (job.height + 1) / 2;
    for (std::int64_t first = first_tile; first < last_tile; first += kWinogradTiles) {
      const std::int64_t tiles = last_tile - first < kWinogradTiles ? last_tile - first : kWinogradTiles;
      for (std::int64_t t = 0; t < tiles; ++t) {
        const std::int64_t tile = first + t;
        transform_input(job, job.out_first + tile / (across * down) * 2 - 1, tile / across % down * 2 - 1,
                        tile % across * 2 - 1, inputs + t * job.in_channels);
      }
      const std::int64_t whole =
          (tiles + kRows - 1) / kRows * kRows;  // rows past the last tile hold an older block's
      multiply(job, whole, inputs, products);
      for (std::int64_t t = 0; t < tiles; ++t) {
        const std::int64_t tile = first + t;
        transform_output(job, job.out_first + tile / (across * down) * 2, tile / across % down * 2,
                         tile % across * 2, products + t * job.out_channels);
      }
    }
  }
};

}  // namespace
}  // namespace pillar
