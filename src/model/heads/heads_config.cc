// The block "finetune" of config.json.
#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/model/heads.h"

#include "model/heads/head_weights.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::int64_t kMostWidth = 65536, kMostLayers = 64, kMostKernel = 127, kMostOutputs = 10000;

std::int64_t number_within(const Config& node, std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const std::int64_t value = node.as_int(fallback);
  if (value < least || value > most) node.fail(fmt::format("{} is not in [{},{}]", value, least, most));
  return value;
}

double dropout_rate(const Config& node, double fallback) {
  const double value = node.as_double(fallback);
  if (!(value >= 0 && value < 1)) node.fail(fmt::format("{} is not in [0,1)", value));
  return value;
}

OutcomeKind kind_of(const Config& node) {
  try {
    return parse_outcome_kind(node.as_string());
  } catch (const Error& error) {
    if (error.category() == ErrorCategory::input) throw;
    node.fail(error.what());
  }
}

std::vector<std::string> outputs_of(const Config& node) {
  if (!node.is_list() || node.size() == 0 || node.size() > static_cast<std::size_t>(kMostOutputs))
    node.fail(fmt::format("must list the names of 1 to {} outputs", kMostOutputs));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < node.size(); ++i) {
    names.push_back(node.at(i).as_string());
    if (std::count(names.begin(), names.end(), names.back()) > 1) node.at(i).fail("is there twice");
  }
  return names;
}

}  // namespace

const char* to_string(HeadFeatures features) noexcept {
  return features == HeadFeatures::readout ? "readout" : "attention";
}

HeadFeatures parse_head_features(const Config& node) {
  const std::string text = node.as_string("readout");
  if (text == "readout") return HeadFeatures::readout;
  if (text == "attention") return HeadFeatures::attention;
  node.fail(fmt::format("'{}' are no features: readout or attention", text));
}

DetectionHeadConfig parse_detection_head(const Config& node) {
  if (!node.is_map()) node.fail("must be a map");
  node.allow_only({"classes", "queries", "width", "heads", "feed_forward", "encoder_layers", "decoder_layers",
                   "dropout"});
  DetectionHeadConfig config;
  config.classes = number_within(node.get("classes"), config.classes, 1, kMostOutputs);
  config.queries = number_within(node.get("queries"), config.queries, 1, kMostOutputs);
  config.width = number_within(node.get("width"), config.width, 16, kMostWidth);
  config.heads = number_within(node.get("heads"), config.heads, 1, config.width);
  config.feed_forward = number_within(node.get("feed_forward"), config.feed_forward, 1, kMostWidth);
  config.encoder_layers = number_within(node.get("encoder_layers"), config.encoder_layers, 0, kMostLayers);
  config.decoder_layers = number_within(node.get("decoder_layers"), config.decoder_layers, 1, kMostLayers);
  config.dropout = dropout_rate(node.get("dropout"), config.dropout);
  if (config.width % 16 != 0) node.get("width").fail(fmt::format("{} is no multiple of 16", config.width));
  if (config.width % config.heads != 0)
    node.get("heads").fail(fmt::format("{} heads do not divide width {}", config.heads, config.width));
  return config;
}

HeadsConfig parse_heads_config(const Config& block) {
  if (!block.is_map()) block.fail("must be a map: this model has no heads");
  block.allow_only({"kind", "outputs", "features", "hidden_width", "dropout", "pool_kernel", "detection"});
  HeadsConfig heads;
  heads.kind = kind_of(block.get("kind"));
  heads.outputs = outputs_of(block.get("outputs"));
  heads.features = parse_head_features(block.get("features"));
  heads.hidden_width = number_within(block.get("hidden_width"), 0, 0, kMostWidth);
  heads.dropout = dropout_rate(block.get("dropout"), 0);
  heads.pool_kernel = number_within(block.get("pool_kernel"), heads.pool_kernel, 1, kMostKernel);
  if (block.get("detection").exists()) heads.detection = parse_detection_head(block.get("detection"));
  if (heads.kind == OutcomeKind::survival && heads.hidden_width > 0)
    block.get("hidden_width").fail("a survival head has no hidden layer");
  if (heads.kind == OutcomeKind::multiclass && heads.outputs.size() < 2)
    block.get("outputs").fail("one class alone is no choice");
  return heads;
}

std::string with_heads_config(const std::string& config_json, const HeadsConfig& heads) {
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(config_json, nullptr, false);
  if (!document.is_object()) fail(ErrorCategory::input, "config.json: not a JSON object");
  nlohmann::ordered_json block = {{"kind", to_string(heads.kind)},
                                  {"outputs", heads.outputs},
                                  {"features", to_string(heads.features)},
                                  {"hidden_width", heads.hidden_width},
                                  {"dropout", heads.dropout},
                                  {"pool_kernel", heads.pool_kernel}};
  if (heads.detection) {
    const DetectionHeadConfig& d = *heads.detection;
    block["detection"] = {{"classes", d.classes},
                          {"queries", d.queries},
                          {"width", d.width},
                          {"heads", d.heads},
                          {"feed_forward", d.feed_forward},
                          {"encoder_layers", d.encoder_layers},
                          {"decoder_layers", d.decoder_layers},
                          {"dropout", d.dropout}};
  }
  document["finetune"] = block;
  return document.dump(1) + "\n";
}

HeadsConfig infer_heads_config(const WeightMap& weights, const std::string& source) {
  const std::string hazards = "head_models.survival.hazard_fc.weight";
  if (weights.count(hazards) == 0 || weights_below(weights, "pool.").empty()) {
    fail(
        ErrorCategory::input,
        "{}: holds no attention pool with a hazard head, as the public finetuning code writes them; heads of "
        "another kind need the block \"finetune\" in config.json",
        source);
  }
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.features = HeadFeatures::attention;
  heads.pool_kernel = axis_of(weights, "pool.volume_pool2.conv1d.weight", 3, 2, source);
  const std::int64_t years = axis_of(weights, hazards, 2, 0, source);
  for (std::int64_t year = 1; year <= years; ++year) heads.outputs.push_back(fmt::format("year {}", year));
  if (!weights_below(weights, "head_models.detr.").empty())
    heads.detection = detection_config_of(weights, DetectionHeadConfig{}, source);
  return heads;
}

}  // namespace pillar
