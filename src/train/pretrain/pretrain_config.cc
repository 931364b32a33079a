#include "pillar/train/pretrain_config.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include "train/run/trainer_config.h"

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

PretrainSource parse_source(const Config& node, const fs::path& root) {
  node.allow_only({"name", "modality", "manifest", "json", "text", "text_category"});
  PretrainSource source;
  source.manifest = below_root(root, node.get("manifest").as_path());
  source.json_lines = below_root(root, node.get("json").as_path(""));
  source.text_cache = below_root(root, node.get("text").as_path());
  source.text_category = node.get("text_category").as_string(source.text_category);
  source.name = node.get("name").as_string(source.json_lines.empty() ? source.manifest.filename().string()
                                                                     : source.json_lines.filename().string());
  return source;
}

PretrainConfig::Modality& modality(PretrainConfig& config, const std::string& name) {
  for (auto& known : config.modalities) {
    if (known.name == name) return known;
  }
  config.modalities.push_back({name, {}, {}});
  return config.modalities.back();
}

void parse_sources(const Config& list, const fs::path& root, PretrainConfig& config, bool train) {
  if (!list.exists()) return;
  if (!list.is_list()) list.fail("expected a list of datasets, each with manifest, text and modality");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Config node = list.at(i);
    PretrainConfig::Modality& owner = modality(config, node.get("modality").as_string());
    (train ? owner.train : owner.validation).push_back(parse_source(node, root));
  }
}

void parse_pad_values(const Config& pad, PretrainConfig& config) {
  std::vector<std::string> trained;
  for (const PretrainConfig::Modality& known : config.modalities) trained.push_back(known.name);
  pad.allow_only(trained);
  for (const std::string& name : pad.keys()) config.pad_value[name] = pad.get(name).as_double();
}

void parse_data(const Config& data, PretrainConfig& config) {
  const fs::path root = data.get("root").as_path("");
  parse_sources(data.get("train"), root, config, true);
  parse_sources(data.get("validation"), root, config, false);
  parse_pad_values(data.get("pad_value"), config);
  config.patients = below_root(root, data.get("patients").as_path(""));
  for (const PretrainConfig::Modality& known : config.modalities) {
    if (known.train.empty())
      data.get("validation").fail(fmt::format("modality {} has no dataset to train on", known.name));
  }
  if (config.modalities.empty())
    data.get("train").fail("no dataset: a list with manifest, text and modality");
}

void parse_rest(const Config& file, PretrainConfig& config) {
  const Config model = file.get("model");
  model.allow_only({"architecture", "init", "text_projection"});
  config.architecture = model.get("architecture").as_path();
  config.init = model.get("init").as_path("");
  config.text_projection = parse_text_projection(model.get("text_projection").as_string("linear"));

  const Config loss = file.get("loss");
  loss.allow_only({"kind", "same_report"});
  config.loss.kind = parse_contrastive_kind(loss.get("kind").as_string(to_string(config.loss.kind)));
  config.loss.same_report =
      parse_same_report(loss.get("same_report").as_string(to_string(config.loss.same_report)));

  const Config warmup = file.get("optimizer").get("warmup_steps");
  config.warmup_steps = warmup.as_int(config.warmup_steps);
  file.get("compat").allow_only({"public_bn_double_update"});
  config.public_bn_double_update =
      file.get("compat").get("public_bn_double_update").as_bool(config.public_bn_double_update);
}

}  // namespace

void check_pretrain_config(const PretrainConfig& config) {
  check_trainer_config(config);
  require_setting(config.batch_size >= 2, "train.batch_size",
                  "2 or more: a study alone has no other to be told from");
  require_setting(config.warmup_steps >= 0, "optimizer.warmup_steps", "0 or more");
}

PretrainConfig load_pretrain_config(const fs::path& path, const std::vector<std::string>& assignments) {
  Config file = Config::load(path);
  for (const std::string& assignment : assignments) file.set(assignment);
  file.allow_only({"seed", "output", "model", "data", "loader", "augment", "train", "optimizer", "checkpoint",
                   "log", "validation", "loss", "compat"});
  PretrainConfig config;
  parse_trainer_config(file, {{"root", "train", "validation", "pad_value", "patients"}, {}, {"warmup_steps"}},
                       config);
  parse_data(file.get("data"), config);
  parse_rest(file, config);
  try {
    check_pretrain_config(config);
  } catch (const Error& error) {
    fail(ErrorCategory::input, "{}: {}", path, error.what());
  }
  return config;
}

}  // namespace pillar
