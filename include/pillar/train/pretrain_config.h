// The one YAML file of a pretraining run (docs/pillar-train.md has every key).
#pragma once

#include "pillar/data/pretrain_pool.h"
#include "pillar/data/rotation.h"
#include "pillar/model/text_projection.h"
#include "pillar/train/optimizer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

class Config;

enum class Precision { fp32, bf16, fp16 };
const char* to_string(Precision precision) noexcept;

struct PretrainConfig {
  std::uint64_t seed = 0;
  std::filesystem::path output;  // run folder

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
  double max_bad_fraction = 0.01;           // of an epoch's studies
  bool drop_last = false;

  // loader
  int loader_threads = 0;  // 0: the processors this process may use, shared by the ranks of this host
  double loader_memory_gb = 4, loader_cache_gb = 0;

  RotationOptions rotation;

  // train
  std::int64_t epochs = 50;
  std::int64_t batch_size = 256;  // of one optimiser step, all ranks and micro-batches together
  std::int64_t micro_batch = 8;
  Precision precision = Precision::fp32;
  bool checkpoint_blocks = false, sync_batchnorm = false;
  bool reuse_memory = false;  // on a processor: freed memory is kept for the next step, faster and larger
  double clip_norm = 0;       // 0: no clipping
  double ema_decay = 0;       // 0: none
  double lr = 2.5e-4;
  std::int64_t warmup_steps = 300;
  AdamWOptions adamw;

  // checkpoint
  std::int64_t checkpoint_steps = 500, checkpoint_minutes = 15, checkpoints_kept = 3;
  std::int64_t log_steps = 10;
  std::int64_t validation_epochs = 1;  // validate after every so many epochs

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
