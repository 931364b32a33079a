#include "model/atlas/random_weights.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include "model/atlas/weights_patch_embed.h"

#include <cmath>
#include <numbers>
#include <set>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// A stream of its own for each name, so that no tensor's values depend on which others there are. Spelt out
// here, for neither the std distributions nor LibTorch's give the same bits on every machine.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view name) : state_{hash64(seed)} {
    for (const char letter : name)
      state_.state = split_mix(state_.state ^ static_cast<std::uint8_t>(letter)) + kSplitMixStep;
  }
  double uniform() { return unit_interval(state_.next()) + 0x1p-54; }  // (0, 1)
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform())), angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

 private:
  SplitMix64 state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

template <typename Draw>
at::Tensor drawn(const WeightSpec& spec, Draw draw) {
  at::Tensor tensor = at::empty(spec.shape, at::kFloat);
  auto* values = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) values[i] = static_cast<float>(draw());
  return tensor;
}

double truncated_normal(Random& random) {
  constexpr double kCut = 3;
  double value = random.normal();
  while (std::abs(value) > kCut) value = random.normal();
  return value;
}

// Numbers that each output of a layer with weights of this shape, (out, in, kernel ...), is a sum of.
std::int64_t summed_inputs(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) count *= shape[axis];
  return count;
}

at::Tensor drawn_uniform(const WeightSpec& spec, double bound, Random& random) {
  return drawn(spec, [&] { return bound * (2 * random.uniform() - 1); });
}

// `fan_in` is the layer's, which a bias does not show.
at::Tensor initial(const WeightSpec& spec, std::uint64_t seed, std::int64_t fan_in) {
  Random random(seed, spec.name);
  switch (spec.init) {
    case WeightInit::zeros:
      return at::zeros(spec.shape, at::kFloat);
    case WeightInit::ones:
      return at::full(spec.shape, 1, at::kFloat);
    case WeightInit::linear:
      return drawn(spec, [&] { return 0.02 * truncated_normal(random); });
    case WeightInit::convolution: {
      std::int64_t fan_out = spec.shape[0];
      for (std::size_t axis = 2; axis < spec.shape.size(); ++axis) fan_out *= spec.shape[axis];
      const double deviation = std::sqrt(2 / static_cast<double>(fan_out));
      return drawn(spec, [&] { return deviation * random.normal(); });
    }
    case WeightInit::uniform_fan_in:
      return drawn_uniform(spec, 1 / std::sqrt(static_cast<double>(fan_in)), random);
    case WeightInit::uniform_fans:
      return drawn_uniform(
          spec, std::sqrt(6 / static_cast<double>(spec.shape[0] + summed_inputs(spec.shape))), random);
    case WeightInit::normal:
      return drawn(spec, [&] { return random.normal(); });
    case WeightInit::upper_triangle:
      return at::full(spec.shape, 1, at::kFloat).triu();
    case WeightInit::logit_scale:
      return at::full(spec.shape, std::log(1 / 0.07), at::kFloat);
    case WeightInit::step_count:
      return at::zeros(spec.shape, at::kLong);
  }
  fail(ErrorCategory::usage, "{}: no such initialisation", spec.name);
}

std::int64_t fan_in(const WeightSpec& spec, const std::map<std::string, WeightSpec>& all) {
  const std::string_view suffix = "bias";
  if (!spec.name.ends_with(suffix)) return summed_inputs(spec.shape);
  return summed_inputs(all.at(spec.name.substr(0, spec.name.size() - suffix.size()) + "weight").shape);
}

}  // namespace

at::Tensor random_weight(const WeightSpec& spec, std::uint64_t seed) {
  return initial(spec, seed, summed_inputs(spec.shape));
}

WeightMap drawn_weights(const std::vector<WeightSpec>& specs, std::uint64_t seed) {
  std::map<std::string, WeightSpec> all;
  for (const WeightSpec& spec : specs) all.emplace(spec.name, spec);
  WeightMap weights;
  for (const auto& [name, spec] : all) {
    const bool needs_fan_in = spec.init == WeightInit::uniform_fan_in;
    weights.emplace(name, initial(spec, seed, needs_fan_in ? fan_in(spec, all) : 1));
  }
  return weights;
}

WeightMap random_weights(const AtlasConfig& config, std::uint64_t seed) {
  std::vector<WeightSpec> all = {{"logit_scale", {}, WeightInit::logit_scale}};
  for (const TowerConfig& tower : config.towers) {
    const std::vector<WeightSpec> own = expected_weights(config, tower, default_patch_embed(tower));
    all.insert(all.end(), own.begin(), own.end());
  }
  return drawn_weights(all, seed);
}

}  // namespace pillar
