#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/head_layers.h"

#include "model/heads/head_weights.h"
#include "nn/shared/draws.h"
#include "nn/shared/layers.h"

#include <optional>

#include <ATen/core/grad_mode.h>

namespace pillar {
namespace {

// Seeds of the heads' draws, apart from those of the tower's blocks (stages.cc).
constexpr std::uint64_t kHeadSeed = 0x48'0000, kDetectionSeed = 0x44'0000;

std::uint64_t seed_of(const AtlasPass& pass, std::uint64_t part) {
  return pass.seed + kSplitMixStep * part;
}

}  // namespace

struct FinetunedHeads::State {
  HeadsConfig config;
  std::optional<AttentionPool> pool;
  std::optional<HazardHead> hazard;
  std::optional<ClassificationHead> classification;
  std::optional<DetectionHead> detection;
  Parameters parameters;

  at::Tensor logits(const at::Tensor& features, const AtlasPass& pass) const;
};

at::Tensor FinetunedHeads::State::logits(const at::Tensor& features, const AtlasPass& pass) const {
  const double rate = pass.train ? config.dropout : 0;
  const std::uint64_t seed = seed_of(pass, kHeadSeed);
  if (classification) return (*classification)(features, rate, seed);
  if (rate == 0) return (*hazard)(features);
  return (*hazard)(dropout(features, rate, seeded_generator(features.device(), seed)));
}

FinetunedHeads::FinetunedHeads(std::int64_t channels, const HeadsConfig& heads, const WeightMap& weights,
                               const std::string& source) {
  check_weights(weights, expected_head_weights(channels, heads), source);
  state_ = std::make_unique<State>();
  state_->config = heads;
  Parameters* list = &state_->parameters;
  if (heads.features == HeadFeatures::attention) state_->pool.emplace(weights, source, list);
  if (heads.kind == OutcomeKind::survival) {
    state_->hazard.emplace(weights, source, list);
  } else {
    state_->classification.emplace(weights, source, list);
  }
  if (heads.detection) state_->detection.emplace(*heads.detection, weights, source, list);
}

FinetunedHeads::FinetunedHeads(FinetunedHeads&&) noexcept = default;
FinetunedHeads& FinetunedHeads::operator=(FinetunedHeads&&) noexcept = default;
FinetunedHeads::~FinetunedHeads() = default;

bool FinetunedHeads::want_activ(bool want_detection) const noexcept {
  return want_detection || state_->config.features == HeadFeatures::attention;
}

FinetunedOutput FinetunedHeads::operator()(const AtlasOutput& tower, const FinetunedPass& pass) const {
  if (pass.want_detection && !state_->detection)
    fail(ErrorCategory::usage, "a detection is wanted of a model without a detection head");
  if (want_activ(pass.want_detection) && !tower.activ.defined())
    fail(ErrorCategory::usage, "the heads read the tower's maps, which the pass before them did not ask for");
  const at::AutoGradMode mode(pass.atlas.execution.gradients);
  FinetunedOutput out;
  if (state_->pool) out.pool = (*state_->pool)(tower.activ);
  out.logits = state_->logits(state_->pool ? out.pool.hidden : tower.readout, pass.atlas);
  if (pass.want_detection) {
    out.detection = (*state_->detection)(
        tower.activ, {pass.atlas.execution, pass.atlas.train, seed_of(pass.atlas, kDetectionSeed)});
  }
  return out;
}

const HeadsConfig& FinetunedHeads::config() const noexcept {
  return state_->config;
}
const Parameters& FinetunedHeads::parameters() const noexcept {
  return state_->parameters;
}

WeightMap copied_head_weights(const WeightMap& weights, at::Device device) {
  const at::NoGradGuard no_gradients;
  WeightMap copies;
  for (const char* prefix : {"pool.", "head_models."}) {
    for (const auto& [name, tensor] : weights_below(weights, prefix))
      copies.emplace(name, tensor.to(device).clone());
  }
  return copies;
}

}  // namespace pillar
