#include "pillar/model/clip_model.h"

#include "pillar/core/fail.h"

#include <ATen/core/grad_mode.h>

namespace pillar {
namespace {

bool is_buffer(const std::string& name) {
  return name.ends_with(".running_mean") || name.ends_with(".running_var") ||
         name.ends_with(".num_batches_tracked");
}

}  // namespace

ClipModel::ClipModel(const AtlasConfig& config, const std::vector<std::string>& towers,
                     const WeightMap& weights, at::Device device)
    : readout_width_(config.readout_width()), device_(device) {
  const at::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : weights) weights_.emplace(name, tensor.to(device).clone());
  for (std::size_t t = 0; t < towers.size(); ++t) {
    const TowerConfig& tower = config.tower(towers[t]);
    const PatchEmbedKind kind = infer_patch_embed(tower, weights_);
    for (const WeightSpec& spec : expected_weights(config, tower, kind)) {
      if (spec.used && !is_buffer(spec.name)) last_user_[spec.name] = t;
    }
  }
  for (auto& [name, tensor] : weights_) {
    if (name.starts_with("text.proj.")) last_user_[name] = towers.size() - 1;
    if (last_user_.count(name) == 0 && name != "logit_scale") continue;
    tensor.requires_grad_(true);
    parameters_.emplace_back(name, tensor);
  }
  const auto scale = weights_.find("logit_scale");
  if (scale == weights_.end()) fail(ErrorCategory::input, "the model's weights have no logit_scale");
  logit_scale_ = scale->second;
  for (const std::string& tower : towers) towers_.emplace(tower, Atlas(config, tower, weights_, tower));
}

at::Tensor ClipModel::image_embeddings(const std::string& tower, const at::Tensor& image_bcdhw,
                                       const AtlasPass& pass) const {
  return towers_.at(tower).forward(image_bcdhw, pass).pooled;
}

at::Tensor ClipModel::text_embeddings(const at::Tensor& text_bw, at::ScalarType compute) const {
  return project_text(weights_, text_bw.to(device_), compute);
}

NamedTensors ClipModel::buffers() const {
  NamedTensors buffers;
  for (const auto& [name, tensor] : weights_) {
    if (is_buffer(name)) buffers.emplace_back(name, tensor);
  }
  return buffers;
}

std::vector<at::Tensor> ClipModel::parameters_of(std::size_t tower) const {
  std::vector<at::Tensor> own;
  for (const auto& [name, tensor] : parameters_) {
    const auto user = last_user_.find(name);
    if (user != last_user_.end() && user->second == tower) own.push_back(tensor);
  }
  return own;
}

}  // namespace pillar
