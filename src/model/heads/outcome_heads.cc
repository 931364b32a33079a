// The heads that give logits: hazards of years, and classes or findings.
#include "pillar/core/fail.h"
#include "pillar/model/head_layers.h"

#include "core/shared/joined.h"
#include "model/heads/head_weights.h"
#include "nn/shared/draws.h"
#include "nn/shared/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>

namespace pillar {
namespace {

// The features in float32, checked.
at::Tensor head_features(const at::Tensor& features_bc, std::int64_t channels, const char* head) {
  if (features_bc.dim() != 2 || features_bc.size(1) != channels) {
    fail(ErrorCategory::input, "the {} head takes features of (B, {}), not ({})", head, channels,
         joined(features_bc.sizes(), ", "));
  }
  return features_bc.to(at::kFloat);
}

}  // namespace

HazardHead::HazardHead(const WeightMap& weights, const std::string& source, Parameters* list) {
  const WeightMap own = weights_below(weights, "head_models.survival.");
  const std::string hazards = "head_models.survival.hazard_fc.weight";
  check_weights(
      own, expected_hazard_weights(axis_of(own, hazards, 2, 1, source), axis_of(own, hazards, 2, 0, source)),
      source);
  const Scope head = (Scope(weights, "head_models", list) / "survival").in_group("head");
  hazard_weight_ = (head / "hazard_fc").parameter("weight");
  hazard_bias_ = (head / "hazard_fc").parameter("bias");
  base_weight_ = (head / "base_hazard_fc").parameter("weight");
  base_bias_ = (head / "base_hazard_fc").parameter("bias");
  mask_ = head.buffer("upper_triagular_mask");
}

at::Tensor HazardHead::operator()(const at::Tensor& features_bc) const {
  const at::Tensor features = head_features(features_bc, hazard_weight_.size(1), "hazard");
  const at::Tensor hazards = at::relu(at::linear(features, hazard_weight_, hazard_bias_));
  return at::matmul(hazards, mask_) + at::linear(features, base_weight_, base_bias_);
}

ClassificationHead::ClassificationHead(const WeightMap& weights, const std::string& source,
                                       Parameters* list) {
  const WeightMap own = weights_below(weights, "head_models.classification.");
  const std::string last = "head_models.classification.fc.weight";
  const std::string first = "head_models.classification.hidden.weight";
  const bool has_hidden = own.count(first) != 0;
  const std::int64_t channels = axis_of(own, has_hidden ? first : last, 2, 1, source);
  check_weights(own,
                expected_classification_weights(channels, has_hidden ? axis_of(own, first, 2, 0, source) : 0,
                                                axis_of(own, last, 2, 0, source)),
                source);
  const Scope head = (Scope(weights, "head_models", list) / "classification").in_group("head");
  hidden_weight_ = (head / "hidden").optional_parameter("weight");
  hidden_bias_ = (head / "hidden").optional_parameter("bias");
  weight_ = (head / "fc").parameter("weight");
  bias_ = (head / "fc").parameter("bias");
}

at::Tensor ClassificationHead::operator()(const at::Tensor& features_bc, double rate,
                                          std::uint64_t seed) const {
  const std::int64_t channels = hidden_weight_.defined() ? hidden_weight_.size(1) : weight_.size(1);
  at::Tensor x = head_features(features_bc, channels, "classification");
  if (hidden_weight_.defined()) x = at::gelu(at::linear(x, hidden_weight_, hidden_bias_));
  if (rate > 0) x = dropout(x, rate, seeded_generator(x.device(), seed));
  return at::linear(x, weight_, bias_);
}

}  // namespace pillar
