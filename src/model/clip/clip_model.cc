#include "pillar/model/clip_model.h"

#include "pillar/core/fail.h"

#include "device/shared/cuda_tensor.h"

#include <ATen/core/grad_mode.h>

namespace pillar {

ClipModel::ClipModel(const AtlasConfig& config, const std::vector<std::string>& towers,
                     const WeightMap& weights, at::Device device)
    : readout_width_(config.readout_width()), device_(device) {
  const at::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : weights) weights_.emplace(name, tensor.to(device).clone());
  const auto take = [this](const Parameters& part, std::size_t user) {
    parameters_.add(part);
    for (const Parameter& parameter : part) last_user_[parameter.name] = user;
  };
  for (std::size_t t = 0; t < towers.size(); ++t) {
    const auto [tower, is_new] = towers_.emplace(towers[t], Atlas(config, towers[t], weights_, towers[t]));
    take(tower->second.parameters(), t);
  }
  take(text_projection_parameters(weights_), towers.size() - 1);
  const auto scale = weights_.find("logit_scale");
  if (scale == weights_.end()) fail(ErrorCategory::input, "the model's weights have no logit_scale");
  logit_scale_ = scale->second;
  parameters_.add({scale->first, scale->second, ParameterKind::trainable, "logit_scale"});
  if (const auto bias = weights_.find("logit_bias"); bias != weights_.end()) {
    logit_bias_ = bias->second;
    parameters_.add({bias->first, bias->second, ParameterKind::trainable, "logit_bias"});
  }
  for (const auto& [name, tensor] : parameters_.of_kind(ParameterKind::trainable))
    tensor.requires_grad_(true);
}

at::Tensor ClipModel::image_embeddings(const std::string& tower, const at::Tensor& image_bcdhw,
                                       const AtlasPass& pass) const {
  return towers_.at(tower).forward(image_bcdhw, pass).pooled;
}

at::Tensor ClipModel::text_embeddings(const at::Tensor& text_bw, at::ScalarType compute) const {
  return project_text(weights_, queued_to(text_bw, device_), compute);
}

std::vector<at::Tensor> ClipModel::parameters_of(std::size_t tower) const {
  std::vector<at::Tensor> own;
  for (const auto& [name, tensor] : parameters_.of_kind(ParameterKind::trainable)) {
    const auto user = last_user_.find(name);
    if (user != last_user_.end() && user->second == tower) own.push_back(tensor);
  }
  return own;
}

}  // namespace pillar
