#include "model/atlas/stages.h"

#include "pillar/core/random.h"

#include "device/shared/profiled_range.h"
#include "model/atlas/checkpointed.h"
#include "model/atlas/token_maximum.h"
#include "model/atlas/window_grid.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <fmt/format.h>

namespace pillar {
namespace {

// Each block draws from a generator of its own, so that a block computed twice draws the same.
PassOptions block_pass(const AtlasPass& pass, std::size_t stage, std::size_t block) {
  PassOptions options{pass.execution, pass.train, 0};
  if (pass.train) options.seed = pass.seed + kSplitMixStep * (stage * 1024 + block + 1);
  return options;
}

Size3 raised(const Size3& base, std::size_t power) {
  Size3 out = {1, 1, 1};
  for (std::size_t i = 0; i < power; ++i) {
    for (int a = 0; a < 3; ++a) out[a] *= base[a];
  }
  return out;
}

}  // namespace

Stages::Stages(const Scope& scope, const AtlasConfig& config, const TowerConfig& tower,
               const Size3& tokens_dhw)
    : tower_(tower), layout_(scale_layout(tower, tokens_dhw)) {
  const BlockSettings settings{config.num_heads, config.drop, config.attn_drop, config.drop_path,
                               tower.local2global_dhw};
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const std::vector<ScaleLayout> held(layout_.begin() + static_cast<std::ptrdiff_t>(s), layout_.end());
    const Scope stage = (scope / "atlas_models" / s).in_group(fmt::format("stage{}", s));
    std::vector<AtlasBlock> blocks;
    for (std::int64_t i = 0; i < config.stages[s]; ++i) {
      blocks.emplace_back(stage / "blocks" / static_cast<std::size_t>(i), held, settings);
    }
    stages_.push_back(std::move(blocks));
  }
}

void Stages::freeze(at::ScalarType compute) {
  for (auto& stage : stages_) {
    for (AtlasBlock& block : stage) block.freeze(compute);
  }
}

ScaleTokens Stages::pyramid(at::Tensor grid_bdhwc, const Execution& execution) const {
  ScaleTokens scales;
  for (std::size_t k = 0; k < layout_.size(); ++k) {
    // Of equal tokens the first takes the gradient, and which one is first depends on how they are pooled.
    // Without gradients each scale is pooled from the one before it: the maximum of maxima is that of all.
    const Size3 by = execution.gradients ? raised(tower_.local2global_dhw, k) : tower_.local2global_dhw;
    const at::Tensor pooled = k == 0 ? grid_bdhwc : max_pool_grid(grid_bdhwc, by, execution);
    scales.push_back(grid_to_windows(pooled, layout_[k].cut_grid, layout_[k].cut_window));
    if (!execution.gradients) grid_bdhwc = pooled;
  }
  return scales;
}

at::Tensor Stages::activ(const at::Tensor& tokens, const ScaleLayout& layout, at::ScalarType type) const {
  // The target's axes are the configuration's H,W,D although the tensor's are D,H,W: released heads were
  // trained on that.
  const Size3 target = configured_tokens_hwd(tower_);
  const at::Tensor grid_bdhwc = windows_to_grid(tokens.to(type), layout.grid, layout.window);
  return at::upsample_nearest3d(grid_bdhwc.permute({0, 4, 1, 2, 3}), target);
}

void Stages::read_out(const at::Tensor& tokens, const ScaleLayout& layout, const AtlasPass& pass,
                      std::vector<at::Tensor>& readouts, std::vector<at::Tensor>& places) const {
  if (!pass.want_places) {
    readouts.push_back(tokens.amax(1));
    return;
  }
  const TokenMaximum maximum = token_maximum(tokens);
  const at::Tensor on_grid = grid_places(layout).to(tokens.device());
  readouts.push_back(maximum.value_bc);
  places.push_back(on_grid.index_select(0, maximum.token_bc.flatten()).view_as(maximum.token_bc));
}

AtlasOutput Stages::operator()(at::Tensor grid_bdhwc, const AtlasPass& pass) const {
  const std::int64_t batch = grid_bdhwc.size(0), dim = grid_bdhwc.size(-1);
  ScaleTokens scales = pyramid(std::move(grid_bdhwc), pass.execution);
  std::vector<at::Tensor> readouts, places, activs;
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const ProfiledRange range(fmt::format("stage {}", s), pass.execution.device);
    for (std::size_t i = 0; i < stages_[s].size(); ++i) {
      const PassOptions options = block_pass(pass, s, i);
      if (pass.checkpoint_blocks) {
        run_checkpointed(stages_[s][i], scales, options);
      } else {
        stages_[s][i](scales, options);
      }
    }
    for (std::size_t k = 0; pass.observe && k < scales.size(); ++k) {
      pass.observe({static_cast<std::int64_t>(s), static_cast<std::int64_t>(s + k)}, scales[k]);
    }
    read_out(scales[0].view({batch, -1, dim}), layout_[s], pass, readouts, places);
    if (pass.want_activ) activs.push_back(activ(scales[0], layout_[s], pass.execution.compute));
    scales.erase(scales.begin());
  }
  AtlasOutput out;
  out.readout = at::cat(readouts, 1);
  out.pooled = out.readout / out.readout.norm(2, {1}, true).clamp_min(1e-12);
  if (pass.want_activ) out.activ = at::cat(activs, 1);
  if (pass.want_places) out.places = at::cat(places, 1);
  return out;
}

}  // namespace pillar
