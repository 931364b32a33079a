#include "train/run/trainer_config.h"

#include <fmt/format.h>

namespace pillar {
namespace {

std::string shortest(double value) {
  return fmt::format("{}", value);
}

}  // namespace

ConfigBlock::ConfigBlock(YAML::Emitter& out, const char* name) : out_(out) {
  out_ << YAML::Key << name << YAML::Value << YAML::BeginMap;
}

ConfigBlock::~ConfigBlock() {
  out_ << YAML::EndMap;
}

ConfigBlock& ConfigBlock::operator()(const char* key, double value) {
  return plain(key, shortest(value));
}
ConfigBlock& ConfigBlock::operator()(const char* key, std::int64_t value) {
  return plain(key, std::to_string(value));
}
ConfigBlock& ConfigBlock::operator()(const char* key, int value) {
  return plain(key, std::to_string(value));
}
ConfigBlock& ConfigBlock::operator()(const char* key, bool value) {
  return plain(key, value ? "true" : "false");
}
ConfigBlock& ConfigBlock::operator()(const char* key, const char* value) {
  return plain(key, value);
}

ConfigBlock& ConfigBlock::quoted(const char* key, const std::string& value) {
  out_ << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  return *this;
}

ConfigBlock& ConfigBlock::quoted(const char* key, const std::vector<std::string>& values) {
  out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const std::string& value : values) out_ << YAML::DoubleQuoted << value;
  out_ << YAML::EndSeq;
  return *this;
}

ConfigBlock& ConfigBlock::plain(const char* key, const std::string& value) {
  out_ << YAML::Key << key << YAML::Value << value;
  return *this;
}

void write_trainer_config(YAML::Emitter& out, const TrainerConfig& config, const MoreSettings& more_train,
                          const MoreSettings& more_optimizer) {
  ConfigBlock(out, "loader")("threads", config.loader_threads)("memory_gb", config.loader_memory_gb)(
      "cache_gb", config.loader_cache_gb);
  {
    const ConfigBlock augment(out, "augment");
    ConfigBlock(out, "rotation")("probability", config.rotation.probability)("max_degrees",
                                                                             config.rotation.max_degrees);
  }
  {
    ConfigBlock train(out, "train");
    train("epochs", config.epochs)("batch_size", config.batch_size)("micro_batch", config.micro_batch)(
        "precision", to_string(config.precision))("checkpoint_blocks", config.checkpoint_blocks)(
        "checkpoint_stem", !config.checkpoint_stem   ? "auto"
                           : *config.checkpoint_stem ? "true"
                                                     : "false")("sync_batchnorm", config.sync_batchnorm)(
        "reuse_memory", config.reuse_memory)("clip_norm", config.clip_norm)("ema_decay", config.ema_decay)(
        "max_wait_minutes", config.max_wait_minutes);
    if (more_train) more_train(train);
  }
  {
    ConfigBlock optimizer(out, "optimizer");
    optimizer("lr", config.lr);
    out << YAML::Key << "betas" << YAML::Value << YAML::Flow << YAML::BeginSeq << shortest(config.adamw.beta1)
        << shortest(config.adamw.beta2) << YAML::EndSeq;
    optimizer("eps", config.adamw.eps)("weight_decay", config.adamw.weight_decay);
    if (more_optimizer) more_optimizer(optimizer);
  }
  ConfigBlock(out, "checkpoint")("every_steps", config.checkpoint_steps)(
      "every_minutes", config.checkpoint_minutes)("keep", config.checkpoints_kept);
  ConfigBlock(out, "log")("every_steps", config.log_steps);
  ConfigBlock(out, "validation")("every_epochs", config.validation_epochs);
}

}  // namespace pillar
