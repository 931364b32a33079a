// The one YAML file of a pretraining run (docs/pillar-train.md has every key).
#pragma once

#include "pillar/data/pretrain_pool.h"
#include "pillar/model/text_projection.h"
#include "pillar/train/contrastive.h"
#include "pillar/train/trainer_config.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

class Config;

struct PretrainConfig : TrainerConfig {
  // model
  std::string architecture;    // config.json, or the name of one that comes with libpillar
  std::filesystem::path init;  // checkpoint to take fitting weights from; empty: none
  TextProjectionKind text_projection = TextProjectionKind::linear;

  // data: by modality, in file order
  struct Modality {
    std::string name;
    std::vector<PretrainSource> train, validation;
  };
  std::vector<Modality> modalities;
  std::map<std::string, double> pad_value;  // overrides of the architecture's preprocess block
  // CSV accession,patient of all studies; empty: what manifests say of patients, if anything.
  std::filesystem::path patients;

  ContrastiveOptions loss;

  std::int64_t warmup_steps = 300;

  bool public_bn_double_update = false;  // compat
};

// Throws Error(usage) naming the key: what load_pretrain_config() does, for a configuration that a program
// has filled.
void check_pretrain_config(const PretrainConfig& config);

// `file` with "key.path=value" assignments on top. Relative paths start at data.root (default: the current
// folder). Throws Error(io | input | usage) naming file, line and key: unknown keys with the nearest there
// is.
PretrainConfig load_pretrain_config(const std::filesystem::path& file,
                                    const std::vector<std::string>& assignments);

// Every key with its value, as YAML that load_pretrain_config() reads to the same configuration.
std::string format_pretrain_config(const PretrainConfig& config);

}  // namespace pillar
