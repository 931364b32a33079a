#include "pillar/train/clip_model.h"

#include "pillar/core/fail.h"

#include <ATen/core/grad_mode.h>

namespace pillar {
namespace {

bool is_buffer(const std::string& name) {
  return name.ends_with(".running_mean") || name.ends_with(".running_var") ||
         name.ends_with(".num_batches_tracked");
}

}  // namespace

ClipModel::ClipModel(const AtlasConfig& config, const std::vector<std::string>& modalities,
                     const WeightMap& weights, at::Device device)
    : modalities_(modalities), readout_width_(config.readout_width()), device_(device) {
  const at::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : weights) weights_.emplace(name, tensor.to(device).clone());
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    const TowerConfig& tower = config.tower(modalities[m]);
    const PatchEmbedKind kind = infer_patch_embed(tower, weights_);
    for (const WeightSpec& spec : expected_weights(config, tower, kind)) {
      if (spec.used && !is_buffer(spec.name)) last_user_[spec.name] = m;
    }
  }
  for (auto& [name, tensor] : weights_) {
    if (name.starts_with("text.proj.")) last_user_[name] = modalities.size() - 1;
    if (last_user_.count(name) == 0 && name != "logit_scale") continue;
    tensor.requires_grad_(true);
    parameters_.emplace_back(name, tensor);
  }
  const auto scale = weights_.find("logit_scale");
  if (scale == weights_.end()) fail(ErrorCategory::input, "the model's weights have no logit_scale");
  logit_scale_ = scale->second;
  for (const std::string& modality : modalities)
    towers_.emplace(modality, Atlas(config, modality, weights_, modality));
}

at::Tensor ClipModel::image_rows(const std::string& modality, const at::Tensor& image_bcdhw,
                                 const AtlasPass& pass) const {
  return towers_.at(modality).forward(image_bcdhw, pass).pooled;
}

at::Tensor ClipModel::text_rows(const at::Tensor& text_bw, at::ScalarType compute) const {
  return project_text(weights_, text_bw.to(device_), compute);
}

NamedTensors ClipModel::buffers() const {
  NamedTensors buffers;
  for (const auto& [name, tensor] : weights_) {
    if (is_buffer(name)) buffers.emplace_back(name, tensor);
  }
  return buffers;
}

std::vector<at::Tensor> ClipModel::parameters_of(std::size_t modality) const {
  std::vector<at::Tensor> own;
  for (const auto& [name, tensor] : parameters_) {
    const auto user = last_user_.find(name);
    if (user != last_user_.end() && user->second == modality) own.push_back(tensor);
  }
  return own;
}

}  // namespace pillar
