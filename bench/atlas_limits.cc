#include "atlas_limits.h"

#include "pillar/device/device_clock.h"

#include "gemm_rate.h"
#include "plain_arithmetic.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

constexpr std::int64_t kFirstWidth = 64, kResiduals = 6;

struct StemConvolution {
  std::string name;
  std::int64_t in, out;
  Size3 size_dhw;  // of its input
  PlainConv conv;
  std::int64_t count;
};

std::vector<StemConvolution> stem_convolutions(const AtlasConfig& config, PatchEmbedKind kind) {
  const TowerConfig& tower = config.towers[0];
  const PlainEmbed& embed = plain_embed(kind);
  std::vector<StemConvolution> all;
  Size3 size = tower.size_dhw();
  std::int64_t in = tower.in_chans;
  for (std::size_t i = 0; i < embed.conv_down.size(); ++i) {
    const std::int64_t out = i == 0 ? kFirstWidth : tower.num_features;
    all.push_back({fmt::format("down{}", i), in, out, size, embed.conv_down[i], 1});
    size = convolved_size(size, embed.conv_down[i]);
    in = out;
  }
  all.push_back({"residual", in, in, size, PlainConv{{1, 1, 1}}, kResiduals});
  all.push_back({"reduction", in, config.dim, size, embed.ds1, 1});
  return all;
}

// Seconds of the fastest run, after one that is not counted: libraries choose their kernels in it.
template <typename Run>
double fastest_seconds(const LimitOptions& options, const Run& run) {
  double best = 0;
  for (int i = 0; i <= options.runs; ++i) {
    DeviceClock clock(options.device);
    clock.mark();
    run();
    clock.mark();
    const double seconds = clock.laps().front();
    if (i == 1 || (i > 1 && seconds < best)) best = seconds;
  }
  return best;
}

double convolution_seconds(const StemConvolution& c, at::ScalarType dtype, at::MemoryFormat format,
                           const LimitOptions& options) {
  const auto how = at::TensorOptions().device(options.device);
  const at::Tensor x =
      at::rand({1, c.in, c.size_dhw[0], c.size_dhw[1], c.size_dhw[2]}, how).to(dtype).contiguous(format);
  const at::Tensor weight = at::rand({c.out, c.in, 3, 3, 3}, how).to(dtype).contiguous(format);
  const at::Tensor bias = at::rand({c.out}, how).to(dtype);
  return fastest_seconds(options,
                         [&] { at::conv3d(x, weight, bias, c.conv.stride_dhw, c.conv.padding_dhw); });
}

void add_convolutions(Measurement& m, const AtlasConfig& config, PatchEmbedKind kind,
                      const std::string& dtype, const LimitOptions& options) {
  const PlainProducts products(dtype == "tf32");
  double sum = 0;
  for (const StemConvolution& c : stem_convolutions(config, kind)) {
    double best = 0;
    for (const auto& [name, format] : {std::pair("ncdhw", at::MemoryFormat::Contiguous),
                                       std::pair("ndhwc", at::MemoryFormat::ChannelsLast3d)}) {
      const double seconds = convolution_seconds(c, scalar_type_of(dtype), format, options);
      m.figures.emplace_back(fmt::format("conv_{}_{}to{}_{}_{}_s", c.name, c.in, c.out, dtype, name),
                             seconds);
      if (best == 0 || seconds < best) best = seconds;
    }
    sum += best * static_cast<double>(c.count);
  }
  m.figures.emplace_back(fmt::format("stem_convs_{}_s", dtype), sum);
  if (m.seconds == 0) m.seconds = sum;
}

void add_bandwidths(Measurement& m, std::int64_t bytes, const LimitOptions& options) {
  const bool gpu = options.device.is_cuda();
  const at::Tensor host =
      at::empty({bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(gpu)).fill_(1);
  const at::Tensor from = host.to(options.device), to = at::empty_like(from);
  const auto rate = [&](double moved, double seconds) { return moved / seconds / 1e9; };
  const auto size = static_cast<double>(bytes);
  m.figures.emplace_back("copy_gb_per_s", rate(2 * size, fastest_seconds(options, [&] { to.copy_(from); })));
  m.figures.emplace_back(
      "to_device_gb_per_s",
      rate(size, fastest_seconds(options, [&] { to.copy_(host, /*non_blocking=*/true); })));
}

}  // namespace

Measurement measure_limits(const AtlasConfig& config, PatchEmbedKind kind, const LimitOptions& options) {
  const at::NoGradGuard no_gradients;
  Measurement m;
  for (const std::string& dtype : options.dtypes) {
    {
      const PlainProducts products(dtype == "tf32");
      m.figures.emplace_back(fmt::format("gemm_{}_gflops", dtype),
                             gemm_gflops(scalar_type_of(dtype), options.gemm_sides, options.device));
    }
    add_convolutions(m, config, kind, dtype, options);
  }
  const Size3 size = config.towers[0].size_dhw();
  // As much as a volume's windows take.
  add_bandwidths(m, 2 * size[0] * size[1] * size[2] * config.towers[0].in_chans, options);
  m.figures.emplace_back("peak_device_mb",
                         static_cast<double>(peak_device_bytes(options.device)) / (1 << 20));
  return m;
}

}  // namespace pillar::bench
