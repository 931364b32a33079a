#include "pillar/model/atlas_config.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::int64_t kLargest = 1 << 16;  // of any size in the file: beyond it products overflow

std::int64_t positive(const Config& node) {
  const std::int64_t value = node.as_int();
  if (value < 1 || value > kLargest) node.fail(fmt::format("{} is not between 1 and {}", value, kLargest));
  return value;
}

Size3 positive3(const Config& node) {
  Size3 out;
  const std::vector<std::int64_t> values = node.as_ints(3);
  for (int a = 0; a < 3; ++a) {
    if (values[a] < 1 || values[a] > kLargest) {
      node.fail(fmt::format("{} is not between 1 and {}", values[a], kLargest));
    }
    out[a] = values[a];
  }
  return out;
}

double rate(const Config& node) {
  const double value = node.as_double(0);
  if (value < 0 || value >= 1) node.fail(fmt::format("{} is not in [0,1)", value));
  return value;
}

TowerConfig parse_tower(const Config& node, const std::string& modality) {
  TowerConfig tower;
  tower.modality = modality;
  tower.image_size_hwd = positive3(node.get("image_size"));
  tower.patch_size_hwd = positive3(node.get("patch_size"));
  tower.in_chans = positive(node.get("in_chans"));
  if (node.get("num_features").exists()) tower.num_features = positive(node.get("num_features"));
  if (node.get("merge_ratio").exists()) tower.merge_ratio_dhw = positive3(node.get("merge_ratio"));
  if (node.get("local2global").exists()) tower.local2global_dhw = positive3(node.get("local2global"));
  if (const Config kind = node.get("patch_embed"); kind.exists()) {
    try {
      tower.patch_embed = parse_patch_embed_kind(kind.as_string());
    } catch (const Error& error) {
      kind.fail(error.what());
    }
  }
  return tower;
}

// In words what would work instead.
std::string multiples_near(std::int64_t size, std::int64_t of) {
  const std::int64_t below = size / of * of;
  return below > 0 ? fmt::format("{} or {}", below, below + of) : fmt::format("{}", of);
}

void check_tower(const Config& node, const AtlasConfig& config, const TowerConfig& tower) {
  for (int a = 0; a < 3; ++a) {
    if (tower.image_size_hwd[a] % tower.patch_size_hwd[a] == 0) continue;
    node.get("image_size")
        .fail(fmt::format("{} along {} is no multiple of patch_size {}; {} would work",
                          tower.image_size_hwd[a], "HWD"[a], tower.patch_size_hwd[a],
                          multiples_near(tower.image_size_hwd[a], tower.patch_size_hwd[a])));
  }
  if (config.dim != 2 * tower.num_features) {
    node.get("num_features")
        .fail(fmt::format("{} must be half of model.atlas_args.dim {}", tower.num_features, config.dim));
  }
  Size3 tokens = configured_tokens_hwd(tower);
  tokens = {tokens[2], tokens[0], tokens[1]};
  if (tower.patch_embed) tokens = embedded_tokens_dhw(*tower.patch_embed, tower.size_dhw());
  std::size_t scales = 0;
  try {
    scales = scale_layout(tower, tokens).size();
  } catch (const Error& error) {
    node.fail(error.what());
  }
  if (scales < config.stages.size()) {
    node.fail(fmt::format(
        "{} x {} x {} tokens give {} scale{} for the {} stages of model.stages; each stage takes one: "
        "{} stage{}, a larger image_size or smaller merge_ratio and local2global would work",
        tokens[0], tokens[1], tokens[2], scales, scales == 1 ? "" : "s", config.stages.size(), scales,
        scales == 1 ? "" : "s"));
  }
}

void parse_arguments(const Config& args, AtlasConfig& config) {
  config.dim = positive(args.get("dim"));
  if (!args.get("num_heads").exists()) {
    args.get("num_heads")
        .fail(
            "missing: the number of heads cannot be told from weights (libpillar's own configs have 6 for "
            "dim 384)");
  }
  config.num_heads = positive(args.get("num_heads"));
  if (config.dim % config.num_heads != 0) {
    std::vector<std::int64_t> divisors;
    for (std::int64_t h = 1; h <= 16; ++h) {
      if (config.dim % h == 0) divisors.push_back(h);
    }
    args.get("num_heads")
        .fail(fmt::format("{} heads do not divide dim {}; {} would work", config.num_heads, config.dim,
                          fmt::join(divisors, ", ")));
  }
  config.mlp_ratio = args.get("mlp_ratio").as_double(config.mlp_ratio);
  if (!(config.mlp_ratio > 0 && config.mlp_ratio <= 64)) {
    args.get("mlp_ratio").fail(fmt::format("{} is not in (0,64]", config.mlp_ratio));
  }
  config.qkv_bias = args.get("qkv_bias").as_bool(config.qkv_bias);
  config.drop = rate(args.get("drop"));
  config.attn_drop = rate(args.get("attn_drop"));
  config.drop_path = rate(args.get("drop_path"));
}

}  // namespace

AtlasConfig parse_atlas_config(const Config& file) {
  AtlasConfig config;
  const Config model = file.get("model");
  const Config stages = model.get("stages");
  if (!stages.is_list() || stages.size() == 0) stages.fail("must list the blocks of each stage, as [2,2,8]");
  for (std::size_t s = 0; s < stages.size(); ++s) config.stages.push_back(positive(stages.at(s)));
  parse_arguments(model.get("atlas_args"), config);
  const Config modalities = file.get("modalities");
  if (!modalities.is_map() || modalities.size() == 0) modalities.fail("must name at least one modality");
  for (const std::string& name : modalities.keys()) {
    config.towers.push_back(parse_tower(modalities.get(name), name));
    check_tower(modalities.get(name), config, config.towers.back());
  }
  return config;
}

AtlasConfig load_atlas_config(const std::filesystem::path& config_json) {
  return parse_atlas_config(Config::load(config_json));
}

const TowerConfig& AtlasConfig::tower(const std::string& modality) const {
  std::vector<std::string> names;
  for (const TowerConfig& known : towers) {
    if (known.modality == modality || (modality.empty() && towers.size() == 1)) return known;
    names.push_back(known.modality);
  }
  if (modality.empty()) {
    fail(ErrorCategory::usage, "the model has {} modalities, name one with --modality: {}", names.size(),
         joined(names, ", "));
  }
  const std::string nearest = nearest_name(modality, names);
  fail(ErrorCategory::usage, "the model has no modality '{}'{}; it has: {}", modality,
       nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest), joined(names, ", "));
}

std::string format_atlas_config(const AtlasConfig& config) {
  nlohmann::ordered_json json;
  json["model"] = {{"stages", config.stages},
                   {"atlas_args",
                    {{"dim", config.dim},
                     {"num_heads", config.num_heads},
                     {"mlp_ratio", config.mlp_ratio},
                     {"qkv_bias", config.qkv_bias},
                     {"drop", config.drop},
                     {"attn_drop", config.attn_drop},
                     {"drop_path", config.drop_path}}}};
  for (const TowerConfig& tower : config.towers) {
    nlohmann::ordered_json& entry = json["modalities"][tower.modality];
    entry = {{"image_size", tower.image_size_hwd},   {"patch_size", tower.patch_size_hwd},
             {"in_chans", tower.in_chans},           {"num_features", tower.num_features},
             {"merge_ratio", tower.merge_ratio_dhw}, {"local2global", tower.local2global_dhw}};
    if (tower.patch_embed) entry["patch_embed"] = to_string(*tower.patch_embed);
  }
  return json.dump(1) + "\n";
}

}  // namespace pillar
