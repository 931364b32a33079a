#include "pillar/train/pretrain_config.h"

#include "train/run/trainer_config.h"

#include <yaml-cpp/yaml.h>

namespace pillar {
namespace {

void write_sources(YAML::Emitter& out, const PretrainConfig& config, bool train) {
  out << YAML::Key << (train ? "train" : "validation") << YAML::Value << YAML::BeginSeq;
  for (const PretrainConfig::Modality& modality : config.modalities) {
    for (const PretrainSource& source : train ? modality.train : modality.validation) {
      out << YAML::BeginMap;
      out << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted << source.name;
      out << YAML::Key << "modality" << YAML::Value << modality.name;
      out << YAML::Key << "manifest" << YAML::Value << YAML::DoubleQuoted << source.manifest.string();
      out << YAML::Key << "json" << YAML::Value << YAML::DoubleQuoted << source.json_lines.string();
      out << YAML::Key << "text" << YAML::Value << YAML::DoubleQuoted << source.text_cache.string();
      out << YAML::Key << "text_category" << YAML::Value << YAML::DoubleQuoted << source.text_category;
      out << YAML::EndMap;
    }
  }
  out << YAML::EndSeq;
}

}  // namespace

std::string format_pretrain_config(const PretrainConfig& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "seed" << YAML::Value << config.seed;
  out << YAML::Key << "output" << YAML::Value << YAML::DoubleQuoted << config.output.string();
  ConfigBlock(out, "model")
      .quoted("architecture", config.architecture)
      .quoted("init", config.init.string())("text_projection", to_string(config.text_projection));
  {
    ConfigBlock data(out, "data");
    write_sources(out, config, true);
    write_sources(out, config, false);
    if (!config.pad_value.empty()) {
      ConfigBlock pad(out, "pad_value");
      for (const auto& [modality, value] : config.pad_value) pad(modality.c_str(), value);
    }
    data.quoted("patients", config.patients.string())("max_bad_fraction", config.max_bad_fraction)(
        "max_mismatch_fraction", config.max_mismatch_fraction)("drop_last", config.drop_last);
  }
  write_trainer_config(out, config, {},
                       [&config](ConfigBlock& optimizer) { optimizer("warmup_steps", config.warmup_steps); });
  ConfigBlock(out, "loss")("kind", to_string(config.loss.kind))("same_report",
                                                                to_string(config.loss.same_report));
  ConfigBlock(out, "compat")("public_bn_double_update", config.public_bn_double_update);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace pillar
