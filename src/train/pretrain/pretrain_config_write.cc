#include "pillar/train/pretrain_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace pillar {
namespace {

// The shortest text that reads back as the same number.
std::string number(double value) {
  return fmt::format("{}", value);
}

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

class Block {
 public:
  Block(YAML::Emitter& out, const char* name) : out_(out) {
    out_ << YAML::Key << name << YAML::Value << YAML::BeginMap;
  }
  ~Block() { out_ << YAML::EndMap; }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  Block& operator()(const char* key, double value) { return plain(key, number(value)); }
  Block& operator()(const char* key, std::int64_t value) { return plain(key, std::to_string(value)); }
  Block& operator()(const char* key, int value) { return plain(key, std::to_string(value)); }
  Block& operator()(const char* key, bool value) { return plain(key, value ? "true" : "false"); }
  Block& operator()(const char* key, const char* value) { return plain(key, value); }
  Block& quoted(const char* key, const std::string& value) {
    out_ << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
    return *this;
  }

 private:
  Block& plain(const char* key, const std::string& value) {
    out_ << YAML::Key << key << YAML::Value << value;
    return *this;
  }
  YAML::Emitter& out_;
};

}  // namespace

std::string format_pretrain_config(const PretrainConfig& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "seed" << YAML::Value << config.seed;
  out << YAML::Key << "output" << YAML::Value << YAML::DoubleQuoted << config.output.string();
  Block(out, "model")
      .quoted("architecture", config.architecture)
      .quoted("init", config.init.string())("text_projection", to_string(config.text_projection));
  {
    Block data(out, "data");
    write_sources(out, config, true);
    write_sources(out, config, false);
    if (!config.pad_value.empty()) {
      Block pad(out, "pad_value");
      for (const auto& [modality, value] : config.pad_value) pad(modality.c_str(), value);
    }
    data("max_bad_fraction", config.max_bad_fraction)("drop_last", config.drop_last);
  }
  Block(out, "loader")("threads", config.loader_threads)("memory_gb", config.loader_memory_gb)(
      "cache_gb", config.loader_cache_gb);
  {
    const Block augment(out, "augment");
    Block(out, "rotation")("probability", config.rotation.probability)("max_degrees",
                                                                       config.rotation.max_degrees);
  }
  Block(out, "train")("epochs", config.epochs)("batch_size", config.batch_size)(
      "micro_batch", config.micro_batch)("precision", to_string(config.precision))(
      "checkpoint_blocks", config.checkpoint_blocks)("sync_batchnorm", config.sync_batchnorm)(
      "reuse_memory", config.reuse_memory)("clip_norm", config.clip_norm)("ema_decay", config.ema_decay);
  {
    Block optimizer(out, "optimizer");
    optimizer("lr", config.lr);
    out << YAML::Key << "betas" << YAML::Value << YAML::Flow << YAML::BeginSeq << number(config.adamw.beta1)
        << number(config.adamw.beta2) << YAML::EndSeq;
    optimizer("eps", config.adamw.eps)("weight_decay", config.adamw.weight_decay)("warmup_steps",
                                                                                  config.warmup_steps);
  }
  Block(out, "checkpoint")("every_steps", config.checkpoint_steps)(
      "every_minutes", config.checkpoint_minutes)("keep", config.checkpoints_kept);
  Block(out, "log")("every_steps", config.log_steps);
  Block(out, "validation")("every_epochs", config.validation_epochs);
  Block(out, "compat")("public_bn_double_update", config.public_bn_double_update);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace pillar
