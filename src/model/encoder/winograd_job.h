// What one Winograd kernel call works on; shared by the kernels of every instruction set.
#pragma once

#include <cstdint>

namespace pillar {

// F(2x2x2, 3x3x3): tiles of 2x2x2 outputs from 4x4x4 inputs, 64 products of (tiles x in) (in x out).
constexpr int kWinogradPoints = 64;
constexpr std::int64_t kWinogradTiles = 32;  // a block: its inputs and products stay near in the caches

struct WinogradJob {
  const float* in = nullptr;  // rows [in_first, in_last) of (depth, height, width, in_channels)
  std::int64_t in_first = 0, in_last = 0;
  std::int64_t depth = 0, height = 0, width = 0;
  std::int64_t in_channels = 0, out_channels = 0;
  const void* weights = nullptr;  // packed for the kernel: see winograd_pack
  const float* bias = nullptr;
  float* out = nullptr;  // rows [out_first, out_last); out_first is even
  std::int64_t out_first = 0, out_last = 0;
};

struct WinogradKernel {
  const char* name;
  int columns;  // output channels of one packed panel: how the weights are laid out
  bool bf16;    // products of bfloat16 pairs
  std::int64_t (*scratch_bytes)(const WinogradJob&);
  void (*run)(const WinogradJob&, std::int64_t first_tile, std::int64_t last_tile, void* scratch);
};

// Null where the source was not built for this architecture. `out_channels` picks the widest panel that
// divides it.
const WinogradKernel* winograd_avx2(std::int64_t out_channels);
const WinogradKernel* winograd_avx512(std::int64_t out_channels);
const WinogradKernel* winograd_avx512_bf16(std::int64_t out_channels);

}  // namespace pillar
