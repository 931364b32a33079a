#include "model/heads/head_weights.h"

#include "pillar/core/fail.h"
#include "pillar/model/finetuned_model.h"

#include "model/atlas/random_weights.h"

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::int64_t kBoxNumbers = 6;  // cx, cy, cz, w, h, d
constexpr const char* kHazard = "head_models.survival";
constexpr const char* kClassification = "head_models.classification";
constexpr const char* kDetection = "head_models.detr";

class HeadTable {
 public:
  void add(const std::string& name, std::vector<std::int64_t> shape, WeightInit init,
           ParameterKind kind = ParameterKind::trainable) {
    specs_.push_back({name, std::move(shape), init, true, kind});
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out) {
    add(fmt::format("{}.weight", name), {out, in}, WeightInit::uniform_fan_in);
    add(fmt::format("{}.bias", name), {out}, WeightInit::uniform_fan_in);
  }
  void norm(const std::string& name, std::int64_t width) {
    add(fmt::format("{}.weight", name), {width}, WeightInit::ones);
    add(fmt::format("{}.bias", name), {width}, WeightInit::zeros);
  }
  // As DETR starts its transformer: matrices by Xavier, biases of projections zero.
  void attention(const std::string& name, std::int64_t width) {
    add(fmt::format("{}.in_proj_weight", name), {3 * width, width}, WeightInit::uniform_fans);
    add(fmt::format("{}.in_proj_bias", name), {3 * width}, WeightInit::zeros);
    add(fmt::format("{}.out_proj.weight", name), {width, width}, WeightInit::uniform_fans);
    add(fmt::format("{}.out_proj.bias", name), {width}, WeightInit::zeros);
  }
  void feed_forward(const std::string& layer, std::int64_t width, std::int64_t hidden) {
    add(fmt::format("{}.linear1.weight", layer), {hidden, width}, WeightInit::uniform_fans);
    add(fmt::format("{}.linear1.bias", layer), {hidden}, WeightInit::uniform_fan_in);
    add(fmt::format("{}.linear2.weight", layer), {width, hidden}, WeightInit::uniform_fans);
    add(fmt::format("{}.linear2.bias", layer), {width}, WeightInit::uniform_fan_in);
  }
  std::vector<WeightSpec> take() { return std::move(specs_); }

 private:
  std::vector<WeightSpec> specs_;
};

void append(std::vector<WeightSpec>& all, std::vector<WeightSpec> more) {
  for (WeightSpec& spec : more) all.push_back(std::move(spec));
}

std::int64_t layers_of(const WeightMap& weights, const char* part) {
  const auto has = [&](std::int64_t layer) {
    return weights.count(
               fmt::format("{}.transformer_model.{}.layers.{}.linear1.weight", kDetection, part, layer)) != 0;
  };
  std::int64_t layers = 0;
  while (has(layers)) ++layers;
  return layers;
}

}  // namespace

std::vector<WeightSpec> expected_pool_weights(std::int64_t channels, std::int64_t kernel) {
  HeadTable table;
  table.linear("pool.image_pool1.attention_fc", channels, 1);
  table.linear("pool.volume_pool1.attention_fc", channels, 1);
  table.add("pool.volume_pool2.conv1d.weight", {channels, channels, kernel}, WeightInit::uniform_fan_in);
  table.linear("pool.volume_pool2.aggregate.attention_fc", channels, 1);
  table.linear("pool.hidden_fc", 3 * channels, channels);
  return table.take();
}

std::vector<WeightSpec> expected_hazard_weights(std::int64_t channels, std::int64_t years) {
  HeadTable table;
  table.linear(fmt::format("{}.hazard_fc", kHazard), channels, years);
  table.linear(fmt::format("{}.base_hazard_fc", kHazard), channels, 1);
  table.add(fmt::format("{}.upper_triagular_mask", kHazard), {years, years}, WeightInit::upper_triangle,
            ParameterKind::buffer);
  return table.take();
}

std::vector<WeightSpec> expected_classification_weights(std::int64_t channels, std::int64_t hidden,
                                                        std::int64_t outputs) {
  HeadTable table;
  if (hidden > 0) table.linear(fmt::format("{}.hidden", kClassification), channels, hidden);
  table.linear(fmt::format("{}.fc", kClassification), hidden > 0 ? hidden : channels, outputs);
  return table.take();
}

std::vector<WeightSpec> expected_detection_weights(std::int64_t channels, const DetectionHeadConfig& config) {
  HeadTable table;
  const std::int64_t width = config.width;
  const std::string transformer = fmt::format("{}.transformer_model", kDetection);
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    const std::string layer = fmt::format("{}.encoder.layers.{}", transformer, i);
    table.attention(fmt::format("{}.self_attn", layer), width);
    table.feed_forward(layer, width, config.feed_forward);
    for (const int n : {1, 2}) table.norm(fmt::format("{}.norm{}", layer, n), width);
  }
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    const std::string layer = fmt::format("{}.decoder.layers.{}", transformer, i);
    table.attention(fmt::format("{}.self_attn", layer), width);
    table.attention(fmt::format("{}.multihead_attn", layer), width);
    table.feed_forward(layer, width, config.feed_forward);
    for (const int n : {1, 2, 3}) table.norm(fmt::format("{}.norm{}", layer, n), width);
  }
  table.norm(fmt::format("{}.decoder.norm", transformer), width);
  table.linear(fmt::format("{}.class_embed", kDetection), width, config.classes + 1);
  for (const int n : {0, 3, 6})
    table.linear(fmt::format("{}.bbox_embed.layers.{}", kDetection, n), width, n == 6 ? kBoxNumbers : width);
  table.add(fmt::format("{}.query_embed.weight", kDetection), {config.queries, width}, WeightInit::normal);
  table.add(fmt::format("{}.input_proj.weight", kDetection), {width, channels, 1, 1, 1},
            WeightInit::uniform_fan_in);
  table.add(fmt::format("{}.input_proj.bias", kDetection), {width}, WeightInit::uniform_fan_in);
  return table.take();
}

std::vector<WeightSpec> expected_head_weights(std::int64_t channels, const HeadsConfig& heads) {
  std::vector<WeightSpec> all;
  const auto outputs = static_cast<std::int64_t>(heads.outputs.size());
  if (heads.features == HeadFeatures::attention)
    append(all, expected_pool_weights(channels, heads.pool_kernel));
  append(all, heads.kind == OutcomeKind::survival
                  ? expected_hazard_weights(channels, outputs)
                  : expected_classification_weights(channels, heads.hidden_width, outputs));
  if (heads.detection) append(all, expected_detection_weights(channels, *heads.detection));
  return all;
}

WeightMap initial_head_weights(std::int64_t channels, const HeadsConfig& heads, std::uint64_t seed) {
  return drawn_weights(expected_head_weights(channels, heads), seed);
}

WeightMap weights_below(const WeightMap& weights, std::string_view prefix) {
  WeightMap below;
  for (auto it = weights.lower_bound(std::string(prefix));
       it != weights.end() && it->first.starts_with(prefix); ++it)
    below.insert(*it);
  return below;
}

std::int64_t axis_of(const WeightMap& weights, const std::string& name, std::int64_t axes, std::int64_t axis,
                     const std::string& source) {
  const auto found = weights.find(name);
  if (found == weights.end()) fail(ErrorCategory::input, "{}: the weights have no tensor {}", source, name);
  if (found->second.dim() != axes || found->second.numel() == 0)
    fail(ErrorCategory::input, "{}: {} must have {} axes, none empty", source, name, axes);
  return found->second.size(axis);
}

DetectionHeadConfig detection_config_of(const WeightMap& weights, const DetectionHeadConfig& known,
                                        const std::string& source) {
  const std::string queries = fmt::format("{}.query_embed.weight", kDetection);
  DetectionHeadConfig config = known;
  config.queries = axis_of(weights, queries, 2, 0, source);
  config.width = axis_of(weights, queries, 2, 1, source);
  config.classes = axis_of(weights, fmt::format("{}.class_embed.weight", kDetection), 2, 0, source) - 1;
  config.encoder_layers = layers_of(weights, "encoder");
  config.decoder_layers = layers_of(weights, "decoder");
  const std::string first = fmt::format("{}.transformer_model.decoder.layers.0.linear1.weight", kDetection);
  config.feed_forward = axis_of(weights, first, 2, 0, source);
  return config;
}

}  // namespace pillar
