// The part of a run's YAML that every kind of training has: seed, output, loader, augment, train, optimizer,
// checkpoint, log and validation.
#pragma once

#include "pillar/data/rotation.h"
#include "pillar/device/memory_fault.h"
#include "pillar/train/optimizer.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace pillar {

enum class Precision { fp32, bf16, fp16 };
const char* to_string(Precision precision) noexcept;

struct TrainerConfig {
  std::uint64_t seed = 0;
  std::filesystem::path output;  // run folder

  // data
  double max_bad_fraction = 0.01;       // of an epoch's studies
  double max_mismatch_fraction = 0.01;  // of studies whose headers are not what the model expects
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
  bool checkpoint_blocks = false;
  std::optional<bool> checkpoint_stem;  // unset: on a GPU
  bool sync_batchnorm = false;
  bool reuse_memory = false;     // on a processor: freed memory is kept for the next step, faster and larger
  double clip_norm = 0;          // 0: no clipping
  double max_wait_minutes = 30;  // for another process, and for a study that is being read
  double ema_decay = 0;          // 0: none
  double lr = 2.5e-4;
  AdamWOptions adamw;

  // checkpoint
  std::int64_t checkpoint_steps = 500, checkpoint_minutes = 15, checkpoints_kept = 3;
  std::int64_t log_steps = 10;
  std::int64_t validation_epochs = 1;  // validate after every so many epochs
};

// Which keys a run that finds too little memory may change.
MemoryAdvice training_memory_advice(const TrainerConfig& config);

}  // namespace pillar
