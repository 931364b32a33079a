#include "pillar/model/atlas.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "device/shared/profiled_range.h"
#include "model/atlas/patch_embed.h"
#include "model/atlas/stages.h"

#include <ATen/core/grad_mode.h>

namespace pillar {

std::string to_string(const AtlasPlace& place) {
  if (place.stage < 0) return "patch_embed";
  return fmt::format("stage{}.scale{}", place.stage, place.scale);
}

struct Atlas::State {
  TowerConfig tower;
  at::Device device;
  PatchEmbed patch_embed;
  Stages stages;
  Parameters parameters;

  at::Tensor embed(const at::Tensor& image_bcdhw, const AtlasPass& pass) const;
};

at::Tensor Atlas::State::embed(const at::Tensor& image_bcdhw, const AtlasPass& pass) const {
  const ProfiledRange range("stem", pass.execution.device);
  StemPass options{{pass.execution, pass.train, pass.seed, pass.update_statistics, pass.sum_over_processes},
                   stem_maps(pass.execution),
                   pass.checkpoint_stem};
  if (!pass.frozen_patch_embed) return patch_embed(image_bcdhw, options);
  const at::NoGradGuard no_gradients;
  options.train = options.execution.gradients = false;
  return patch_embed(image_bcdhw, options);
}

Atlas::Atlas(const AtlasConfig& config, const std::string& name, const WeightMap& weights,
             const std::string& source) {
  const TowerConfig& tower = config.tower(name);
  const PatchEmbedKind kind = infer_patch_embed(tower, weights);
  check_weights(weights, expected_weights(config, tower, kind), source);
  Parameters parameters;
  const Scope visual(weights, "visual", &parameters);
  PatchEmbed patch_embed(visual / "patch_embeds" / tower.modality, kind);
  Stages stages(visual, config, tower, embedded_tokens_dhw(kind, tower.size_dhw()));
  const at::Device device = parameters.begin()->tensor.device();
  state_ = std::make_unique<State>(
      State{tower, device, std::move(patch_embed), std::move(stages), std::move(parameters)});
}

Atlas::Atlas(Atlas&&) noexcept = default;
Atlas& Atlas::operator=(Atlas&&) noexcept = default;
Atlas::~Atlas() = default;

const TowerConfig& Atlas::tower() const noexcept {
  return state_->tower;
}
const Parameters& Atlas::parameters() const noexcept {
  return state_->parameters;
}

AtlasOutput Atlas::forward(const at::Tensor& image_bcdhw, const AtlasPass& pass) const {
  const TowerConfig& tower = state_->tower;
  const Size3 size = tower.size_dhw();
  const bool fits = image_bcdhw.dim() == 5 && image_bcdhw.size(0) > 0 &&
                    image_bcdhw.size(1) == tower.in_chans && image_bcdhw.size(2) == size[0] &&
                    image_bcdhw.size(3) == size[1] && image_bcdhw.size(4) == size[2];
  if (!fits) {
    fail(ErrorCategory::input, "modality {} takes images of (B, {}, {}, {}, {}), not ({})", tower.modality,
         tower.in_chans, size[0], size[1], size[2], joined(image_bcdhw.sizes(), ", "));
  }
  if (pass.execution.device.type() != state_->device.type()) {
    fail(ErrorCategory::usage, "the weights are on {}, the pass is to run on {}", state_->device.str(),
         pass.execution.device.str());
  }
  const at::AutoGradMode mode(pass.execution.gradients);
  const at::Tensor tokens = state_->embed(image_bcdhw, pass);
  if (pass.observe) pass.observe({}, tokens);
  return state_->stages(tokens.permute({0, 2, 3, 4, 1}).contiguous(), pass);
}

}  // namespace pillar
