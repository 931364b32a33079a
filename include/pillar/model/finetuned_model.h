// A tower with its heads: what is finetuned, and what predicts.
#pragma once

#include "pillar/model/atlas.h"
#include "pillar/model/heads.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

struct FinetunedPass {
  // Its train, execution and seed hold for the heads, too; whether maps are wanted follows from the heads.
  AtlasPass atlas;
  // The tower runs as it would for inference: no gradients, running statistics, nothing dropped.
  bool frozen_tower = false;
  bool want_detection = false;
};

struct FinetunedOutput {
  at::Tensor logits;  // (B, outputs) float32
  PoolOutput pool;    // of HeadFeatures::attention, else undefined tensors
  std::optional<DetectionOutput> detection;
};

// Weights of the heads as a new model starts: drawn from the seed, as LibTorch's layers of their kind are.
// Names: pool.*, head_models.survival.*, head_models.classification.*, head_models.detr.*. `channels`: stages
// * dim.
WeightMap initial_head_weights(std::int64_t channels, const HeadsConfig& heads, std::uint64_t seed);
// Names and shapes of the same, for checks.
std::vector<WeightSpec> expected_head_weights(std::int64_t channels, const HeadsConfig& heads);

// The heads of one model, on what a tower gave: Atlas::forward() or Encoder::features().
class FinetunedHeads {
 public:
  // Keeps the tensors pool.* and head_models.* of `weights` (not copies). Throws Error(input) that begins
  // with `source` and lists those that are missing, surplus or misshapen.
  FinetunedHeads(std::int64_t channels, const HeadsConfig& heads, const WeightMap& weights,
                 const std::string& source);
  FinetunedHeads(FinetunedHeads&&) noexcept;
  FinetunedHeads& operator=(FinetunedHeads&&) noexcept;
  ~FinetunedHeads();

  // Whether they read AtlasOutput::activ.
  bool want_activ(bool want_detection) const noexcept;
  // Throws Error(usage) for a detection that there is no head for, and maps that are wanted but not there.
  FinetunedOutput operator()(const AtlasOutput& tower, const FinetunedPass& pass) const;

  const HeadsConfig& config() const noexcept;
  const Parameters& parameters() const noexcept;  // groups "pool" and "head"

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Copies of pool.* and head_models.* on `device`.
WeightMap copied_head_weights(const WeightMap& weights, at::Device device);

class FinetunedModel {
 public:
  // Owns its weights from then on, on `device`. Throws Error(input) for weights that are missing, surplus
  // among the heads' or misshapen: all of them in one message with `source`; a checkpoint of another
  // architecture is named so.
  FinetunedModel(const AtlasConfig& config, const std::string& tower, const HeadsConfig& heads,
                 const WeightMap& weights, at::Device device, const std::string& source);
  FinetunedModel(FinetunedModel&&) noexcept;
  FinetunedModel& operator=(FinetunedModel&&) noexcept;
  ~FinetunedModel();

  // image_bcdhw as Atlas::forward() takes it.
  FinetunedOutput forward(const at::Tensor& image_bcdhw, const FinetunedPass& pass) const;
  // The heads alone, on what the tower gave.
  FinetunedOutput run_heads(const AtlasOutput& tower, const FinetunedPass& pass) const;

  const HeadsConfig& heads() const noexcept;
  const TowerConfig& tower() const noexcept;
  at::Device device() const noexcept;
  const WeightMap& weights() const noexcept;  // "visual.*", "pool.*", "head_models.*"
  // The tower's groups, then "pool" and "head".
  const Parameters& parameters() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
