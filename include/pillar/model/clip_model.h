// What is pretrained: an Atlas image tower for each modality, a projection of frozen text embeddings, and the
// logit scale.
#pragma once

#include "pillar/model/atlas.h"
#include "pillar/model/text_projection.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Every tensor of such a model, drawn from the seed: same seed, same bits.
WeightMap initial_clip_weights(const AtlasConfig& config, TextProjectionKind kind, std::int64_t text_width,
                               std::uint64_t seed);

// Throws Error(input) naming the source unless logit_scale is one number from -10 to 10: cosines are
// multiplied by its exponential, which training keeps from 1 to 100.
void check_logit_scale(const at::Tensor& logit_scale, const std::string& source);

// What became of the tensors of a model that took what fitted from a checkpoint.
struct InitReport {
  std::vector<std::string> taken, other_shape, not_there;  // names of the model
  std::vector<std::string> unused;                         // names of the checkpoint
  std::string table() const;  // counts by part of the model, and the names that did not fit
};
// Replaces tensors of `weights` by those of the checkpoint that have their name and shape. Throws what
// load_weights() throws, and Error(input) if nothing fits.
InitReport take_fitting_weights(WeightMap& weights, const std::filesystem::path& checkpoint);

class ClipModel {
 public:
  // Owns its weights from then on, on `device`. `towers`: those that are trained; only what they use requires
  // gradients. Throws Error(input | usage) as Atlas does.
  ClipModel(const AtlasConfig& config, const std::vector<std::string>& towers, const WeightMap& weights,
            at::Device device);

  // (B, readout width) unit rows.
  at::Tensor image_embeddings(const std::string& tower, const at::Tensor& image_bcdhw,
                              const AtlasPass& pass) const;
  at::Tensor text_embeddings(const at::Tensor& text_bw, at::ScalarType compute) const;

  at::Tensor& logit_scale() { return logit_scale_; }
  at::Tensor& logit_bias() { return logit_bias_; }  // not defined where the weights have none

  std::int64_t readout_width() const noexcept { return readout_width_; }
  at::Device device() const noexcept { return device_; }
  const WeightMap& weights() const noexcept { return weights_; }
  // What the towers, the projection and the loss read: a tower's groups, "text", "logit_scale" and, where
  // there is one, "logit_bias".
  const Parameters& parameters() const noexcept { return parameters_; }
  // Trainable ones that get their last gradient of a step from this tower, if towers come in the given order;
  // logit_scale and logit_bias are in none.
  std::vector<at::Tensor> parameters_of(std::size_t tower) const;

 private:
  WeightMap weights_;
  std::map<std::string, Atlas> towers_;
  Parameters parameters_;
  std::map<std::string, std::size_t> last_user_;  // name of a parameter -> index of a tower
  at::Tensor logit_scale_, logit_bias_;
  std::int64_t readout_width_ = 0;
  at::Device device_;
};

}  // namespace pillar
