// Internal: the part of a run's YAML that every kind of training has, read, checked and written.
#pragma once

#include "pillar/core/config.h"
#include "pillar/train/trainer_config.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace pillar {

// Keys of the sections "data", "train" and "optimizer" that one kind of training has beside the common ones.
struct OwnKeys {
  std::vector<std::string> data, train, optimizer;
};

// Fills `config` from the sections seed, output, data, loader, augment, train, optimizer, checkpoint, log and
// validation; what a section does not say keeps the value it has. Throws Error(input) naming file, line and
// key: unknown keys with the nearest there is.
void parse_trainer_config(const Config& file, const OwnKeys& own, TrainerConfig& config);

// Throws Error(usage) naming the key.
void check_trainer_config(const TrainerConfig& config);
// Throws Error(usage): "key: must be wanted".
void require_setting(bool holds, const char* key, const std::string& wanted);

// A relative path starts at the root; an empty one stays empty.
std::filesystem::path below_root(const std::filesystem::path& root, const std::filesystem::path& path);

// One map of a YAML file: written from its construction to its end.
class ConfigBlock {
 public:
  ConfigBlock(YAML::Emitter& out, const char* name);
  ~ConfigBlock();
  ConfigBlock(const ConfigBlock&) = delete;
  ConfigBlock& operator=(const ConfigBlock&) = delete;
  ConfigBlock& operator()(const char* key, double value);  // the shortest text that reads back the same
  ConfigBlock& operator()(const char* key, std::int64_t value);
  ConfigBlock& operator()(const char* key, int value);
  ConfigBlock& operator()(const char* key, bool value);
  ConfigBlock& operator()(const char* key, const char* value);
  ConfigBlock& quoted(const char* key, const std::string& value);
  ConfigBlock& quoted(const char* key, const std::vector<std::string>& values);

 private:
  ConfigBlock& plain(const char* key, const std::string& value);
  YAML::Emitter& out_;
};

// What a kind of training adds to one of the common sections; may be empty.
using MoreSettings = std::function<void(ConfigBlock&)>;

// The sections loader to validation, in the order in which parse_trainer_config() names them. (Seed, output
// and data are the caller's.)
void write_trainer_config(YAML::Emitter& out, const TrainerConfig& config, const MoreSettings& train,
                          const MoreSettings& optimizer);

}  // namespace pillar
