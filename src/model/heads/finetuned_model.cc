#include "pillar/model/finetuned_model.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "model/heads/head_weights.h"

#include <ATen/core/grad_mode.h>

namespace pillar {
namespace {

// Every tensor of the tower and its heads.
std::vector<WeightSpec> expected_of(const AtlasConfig& config, const TowerConfig& tower,
                                    const HeadsConfig& heads, const WeightMap& weights) {
  std::vector<WeightSpec> all = expected_weights(config, tower, infer_patch_embed(tower, weights));
  const std::vector<WeightSpec> of_heads = expected_head_weights(config.readout_width(), heads);
  all.insert(all.end(), of_heads.begin(), of_heads.end());
  return all;
}

WeightMap owned_copies(const std::vector<WeightSpec>& expected, const WeightMap& weights, at::Device device) {
  const at::NoGradGuard no_gradients;
  WeightMap copies;
  for (const WeightSpec& spec : expected)
    copies.emplace(spec.name, weights.at(spec.name).detach().to(device).clone());
  return copies;
}

}  // namespace

struct FinetunedModel::State {
  WeightMap weights;
  at::Device device;
  Atlas atlas;
  FinetunedHeads heads;
  Parameters parameters;
};

FinetunedModel::FinetunedModel(const AtlasConfig& config, const std::string& tower, const HeadsConfig& heads,
                               const WeightMap& weights, at::Device device, const std::string& source) {
  if (!weights.empty() && weights_below(weights, "visual.").empty()) {
    fail(ErrorCategory::input,
         "{}: a checkpoint of another architecture: none of its {} tensors is one of an Atlas tower "
         "(visual.*), the first is {}",
         source, weights.size(), printable(weights.begin()->first));
  }
  const std::vector<WeightSpec> expected = expected_of(config, config.tower(tower), heads, weights);
  check_weights(weights, expected, source);
  WeightMap own = owned_copies(expected, weights, device);
  Atlas atlas(config, tower, own, source);
  FinetunedHeads on_top(config.readout_width(), heads, own, source);
  Parameters parameters = atlas.parameters();
  parameters.add(on_top.parameters());
  for (auto& [name, tensor] : parameters.of_kind(ParameterKind::trainable)) tensor.requires_grad_(true);
  state_ = std::make_unique<State>(
      State{std::move(own), device, std::move(atlas), std::move(on_top), std::move(parameters)});
}

FinetunedModel::FinetunedModel(FinetunedModel&&) noexcept = default;
FinetunedModel& FinetunedModel::operator=(FinetunedModel&&) noexcept = default;
FinetunedModel::~FinetunedModel() = default;

FinetunedOutput FinetunedModel::forward(const at::Tensor& image_bcdhw, const FinetunedPass& pass) const {
  AtlasPass tower = pass.atlas;
  tower.want_activ = state_->heads.want_activ(pass.want_detection);
  if (pass.frozen_tower) {
    tower.train = tower.checkpoint_blocks = tower.checkpoint_stem = false;
    tower.execution.gradients = false;
  }
  return state_->heads(state_->atlas.forward(image_bcdhw, tower), pass);
}

FinetunedOutput FinetunedModel::run_heads(const AtlasOutput& tower, const FinetunedPass& pass) const {
  return state_->heads(tower, pass);
}

const HeadsConfig& FinetunedModel::heads() const noexcept {
  return state_->heads.config();
}
const TowerConfig& FinetunedModel::tower() const noexcept {
  return state_->atlas.tower();
}
at::Device FinetunedModel::device() const noexcept {
  return state_->device;
}
const WeightMap& FinetunedModel::weights() const noexcept {
  return state_->weights;
}
const Parameters& FinetunedModel::parameters() const noexcept {
  return state_->parameters;
}

}  // namespace pillar
