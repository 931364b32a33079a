#include "plain_atlas.h"

#include "pillar/core/fail.h"

#include "plain_block.h"

#include <ATen/ATen.h>

namespace pillar::bench {
namespace {

constexpr double kDownEpsilon = 1e-4, kResidualEpsilon = 1e-5, kChannelEpsilon = 1e-6;
constexpr int kResidualBlocks = 3;

at::Tensor conv(const PlainPart& part, const at::Tensor& x, const PlainConv& step) {
  return at::conv3d(x, part.tensor("weight"), part.optional("bias"), step.stride_dhw, step.padding_dhw);
}

at::Tensor batch_norm(const PlainPart& part, const at::Tensor& x, double epsilon, bool training) {
  return at::batch_norm(x, part.tensor("weight"), part.tensor("bias"), part.tensor("running_mean"),
                        part.tensor("running_var"), training, /*momentum=*/0.1, epsilon, true);
}

at::MemoryFormat format_of(const PlainHow& how) {
  return how.channels_last ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::Contiguous;
}

// Assigned step by step: each map goes as soon as the next one is there.
at::Tensor embed(const PlainPart& part, const PlainEmbed& table, at::Tensor x, const PlainHow& how) {
  const bool training = how.training;
  for (std::size_t i = 0; i < table.conv_down.size(); ++i) {
    x = conv(part / fmt::format("conv_down.{}", 3 * i), x, table.conv_down[i]);
    x = batch_norm(part / fmt::format("conv_down.{}", 3 * i + 1), x, kDownEpsilon, training);
    x = at::relu(x);
  }
  const PlainConv same{{1, 1, 1}};
  for (int i = 0; i < kResidualBlocks; ++i) {
    const PlainPart block = part / fmt::format("conv1.{}", i);
    at::Tensor h = conv(block / "conv1", x, same);
    h = batch_norm(block / "norm1", h, kResidualEpsilon, training);
    h = at::gelu(h);
    h = conv(block / "conv2", h, same);
    h = batch_norm(block / "norm2", h, kResidualEpsilon, training);
    x = x + h;
  }
  const PlainPart ds1 = part / "ds1";
  x = x.permute({0, 2, 3, 4, 1});
  x = at::layer_norm(x, {x.size(-1)}, ds1.tensor("norm.weight"), ds1.tensor("norm.bias"), kChannelEpsilon);
  return conv(ds1 / "reduction.0", x.permute({0, 4, 1, 2, 3}).contiguous(format_of(how)), table.ds1);
}

std::vector<at::Tensor> pyramid(at::Tensor grid_bdhwc, const std::vector<PlainScale>& layout,
                                const Size3& pool) {
  std::vector<at::Tensor> scales;
  for (const PlainScale& scale : layout) {
    if (!scales.empty()) grid_bdhwc = plain_max_pool(grid_bdhwc, pool);
    scales.push_back(plain_to_windows(grid_bdhwc, scale.grid_dhw, scale.window_dhw));
  }
  return scales;
}

}  // namespace

WeightMap plain_weights(const WeightMap& weights, at::Device device, const PlainHow& how) {
  WeightMap moved;
  for (const auto& [name, tensor] : weights) {
    // A module owns its parameters; those read from a file are its pages.
    const at::Tensor own = tensor.device() == device ? tensor.clone() : tensor.to(device);
    moved[name] = own.dim() == 5 ? own.contiguous(format_of(how)) : own;
  }
  return moved;
}

at::Tensor plain_windows(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows) {
  const at::Tensor values = voxels_bcdhw.select(1, 0).to(at::kFloat);
  std::vector<at::Tensor> planes;
  for (const Window& window : windows) {
    if (window.kind == WindowKind::level) {
      planes.push_back(((values - (window.centre - window.width / 2)) / window.width).clamp(0, 1));
    } else if (window.kind == WindowKind::minmax) {
      const at::Tensor min = values.amin({1, 2, 3}, true), max = values.amax({1, 2, 3}, true);
      planes.push_back((values - min) / (max - min + 1e-8));
    } else {
      fail(ErrorCategory::unsupported, "window {}: the plain formulation has level and minmax windows",
           window.name);
    }
  }
  return at::stack(planes, 1);
}

at::Tensor plain_atlas(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                       const AtlasConfig& config, const TowerConfig& tower, const WeightMap& weights,
                       const PlainHow& how, DeviceClock& clock) {
  const PatchEmbedKind kind = infer_patch_embed(tower, weights);
  const PlainPart visual{&weights, "visual."};
  const std::vector<PlainScale> layout =
      plain_scales(plain_tokens_dhw(kind, tower.size_dhw()), tower.merge_ratio_dhw, tower.local2global_dhw);
  const at::Device device = weights.begin()->second.device();
  clock.mark();
  // Held to the end, as the public code's batch holds it.
  const at::Tensor image = plain_windows(voxels_bcdhw.to(device), windows).contiguous(format_of(how));
  clock.mark();
  at::Tensor x =
      embed(visual / fmt::format("patch_embeds.{}", tower.modality), plain_embed(kind), image, how);
  clock.mark();

  std::vector<at::Tensor> scales = pyramid(x.permute({0, 2, 3, 4, 1}), layout, tower.local2global_dhw);
  x.reset();
  std::vector<at::Tensor> readouts;
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    for (std::int64_t i = 0; i < config.stages[s]; ++i) {
      const PlainPart part = visual / fmt::format("atlas_models.{}.blocks.{}", s, i);
      run_plain_block({part, std::span(layout).subspan(s), config.num_heads, tower.local2global_dhw}, scales);
    }
    readouts.push_back(scales[0].reshape({voxels_bcdhw.size(0), -1, config.dim}).amax(1));
    scales.erase(scales.begin());
    clock.mark();
  }
  return at::cat(readouts, 1);
}

}  // namespace pillar::bench
