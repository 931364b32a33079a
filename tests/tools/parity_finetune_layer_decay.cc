// Goldens of learning rates by epoch, and of each parameter's layer, rate, decay and group.
#include "pillar/core/config.h"
#include "pillar/core/file.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/train/layer_decay.h"

#include "tools/parity_finetune.h"

#include <string>

#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

using Json = nlohmann::ordered_json;

// The golden's other schedule, which no configuration of ours has: warms up and stays.
double constant_warmup(double base, std::int64_t warmup, std::int64_t epoch) {
  return epoch < warmup ? base * static_cast<double>(epoch + 1) / static_cast<double>(warmup + 1) : base;
}

Json schedule_json(Json schedule) {
  const Json& settings = schedule["kwargs"];
  const bool cosine = schedule["type"] == "CosineAnnealingWarmup";
  const auto warmup = settings["warmup_epochs"].get<std::int64_t>();
  const auto base = schedule["base_lr"].get<double>();
  std::vector<double> rates;
  for (std::int64_t epoch = 0; epoch < schedule["epochs"].get<std::int64_t>(); ++epoch) {
    if (!cosine) {
      rates.push_back(constant_warmup(base, warmup, epoch));
      continue;
    }
    const EpochScheduleOptions options{settings["min_lr"].get<double>(), warmup,
                                       settings["max_epochs"].get<std::int64_t>()};
    rates.push_back(epoch_learning_rate(options, base, epoch));
  }
  schedule["lr_used_in_epoch"] = rates;
  return schedule;
}

// How many axes the tensors of a chest model with these stages have, by canonical name.
std::map<std::string, std::int64_t> axes_by_name(const std::vector<std::int64_t>& stages) {
  AtlasConfig config;
  config.stages = stages;
  config.num_heads = 6;
  TowerConfig tower;
  tower.modality = "chest_ct";
  tower.image_size_hwd = {256, 256, 256};
  tower.patch_size_hwd = {8, 8, 4};
  tower.in_chans = 11;
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs.assign(6, "");
  heads.features = HeadFeatures::attention;
  heads.detection = DetectionHeadConfig{};
  std::map<std::string, std::int64_t> axes = {{"logit_scale", 0}};
  for (const PatchEmbedKind kind : {PatchEmbedKind::volume_884, PatchEmbedKind::volume_666}) {
    if (kind == PatchEmbedKind::volume_666) {
      tower.image_size_hwd = {192, 192, 192};
      tower.patch_size_hwd = {6, 6, 6};
    }
    for (const WeightSpec& spec : expected_weights(config, tower, kind))
      axes.emplace(spec.name, static_cast<std::int64_t>(spec.shape.size()));
  }
  for (const WeightSpec& spec : expected_head_weights(config.readout_width(), heads))
    axes.emplace(spec.name, static_cast<std::int64_t>(spec.shape.size()));
  return axes;
}

Json layers_json(const Json& golden) {
  const auto stages = golden["stages"].get<std::vector<std::int64_t>>();
  const std::map<std::string, std::int64_t> axes = axes_by_name(stages);
  const LayerDecayOptions options{stages, golden["layer_decay"].get<double>(),
                                  golden["weight_decay"].get<double>(), /*public_scalar_decay=*/true};
  std::vector<std::pair<std::string, ParameterOptions>> all;
  for (const auto& [name, expected] : golden["params"].items()) {
    const auto found = axes.find(canonical_name(name));
    // What we do not have (position embeds of other models) is told by its name.
    const bool one_axis = name.ends_with("bias") || name.find("norm") != std::string::npos;
    all.emplace_back(name, layer_options(name,
                                         found != axes.end() ? found->second
                                         : one_axis          ? 1
                                                             : 2,
                                         options));
  }
  const std::vector<LayerGroup> groups = layer_groups(all);
  Json layers = golden;
  layers["params"] = Json::object();
  for (const auto& [name, own] : all) {
    layers["params"][name] = {{"layer_id", layer_id(name, stages)},
                              {"lr_scale", own.lr_factor},
                              {"weight_decay", own.weight_decay}};
  }
  layers["groups_in_optimizer_order"] = Json::array();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::string& name : groups[g].names) layers["params"][name]["group"] = g;
    layers["groups_in_optimizer_order"].push_back({{"lr_scale", groups[g].options.lr_factor},
                                                   {"weight_decay", groups[g].options.weight_decay},
                                                   {"first", groups[g].names.front()},
                                                   {"count", groups[g].names.size()}});
  }
  return layers;
}

}  // namespace

void parity_finetune_layer_decay(const FinetuneCase& golden) {
  const Json given = Json::parse(read_text_file(golden.json, 64 << 20));
  Json json;
  json["schedules"] = Json::array();
  for (const Json& schedule : given["schedules"]) json["schedules"].push_back(schedule_json(schedule));
  json["layer_decay"] = Json::array();
  for (const Json& layers : given["layer_decay"]) json["layer_decay"].push_back(layers_json(layers));
  write_file_atomic(golden.out_json, json.dump(1) + "\n");
}

}  // namespace pillar::test
