// Internal: how much memory a run's steps take, and how large a micro-batch may be, before the first step.
#pragma once

#include "pillar/device/memory_fault.h"
#include "pillar/model/atlas.h"
#include "pillar/train/trainer_config.h"

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// Bytes. Of a step of one process:
//   present + gradients + optimiser + average + loaded + kWorkspace + micro-batch x study(),
//   study() = kWorkspaces x (windows + activations)
struct MemoryPlan {
  // What convolutions and the allocator take beside tensors: a part of them, and some in any case. Measured
  // (docs/pillar-train.md, "What a step keeps in memory").
  static constexpr double kWorkspaces = 1.1, kWorkspace = 64 << 20;
  bool on_gpu = false;
  double present = 0;    // what is held before the first step: on a GPU the weights, else the whole process
  double gradients = 0;  // float32, one for each number that is trained
  double optimiser = 0;  // two moments for each
  double average = 0;    // another, with train.ema_decay
  double loaded = 0;     // the step's inputs beside the micro-batch: on a processor the studies that wait
  double windows = 0;    // of each study of a micro-batch: what goes into the towers, all modalities' places
  double activations = 0;  // of each: what a tower holds at most in a forward and its backward
  double free = 0;         // what the device has left now

  double study() const { return kWorkspaces * (windows + activations); }
  double needed(std::int64_t micro_batch) const {
    return present + gradients + optimiser + average + loaded + kWorkspace +
           static_cast<double>(micro_batch) * study();
  }
  double room() const { return present + free; }
};

// What is the same for every kind of training: `trained` numbers, and `stored` ones that are on the device.
MemoryPlan memory_plan(const TrainerConfig& config, at::Device device, std::int64_t stored,
                       std::int64_t trained);

// Adds what a modality's studies take: `voxels` of each, and the tower's pass over them.
void add_modality(MemoryPlan& plan, const TrainerConfig& config, std::int64_t voxels,
                  const AtlasConfig& atlas, const TowerConfig& tower, PatchEmbedKind kind,
                  const AtlasPass& pass);

// Of one study as a tower takes it, before its windows.
std::int64_t voxels_of(const TowerConfig& tower);

// The largest divisor of the batch that has room; 0 where not even 1 has.
std::int64_t largest_micro_batch(const MemoryPlan& plan, std::int64_t batch_size);

// For a run whose memory runs out all the same: what was expected, and what to lower.
MemoryAdvice memory_advice(const MemoryPlan& plan, const TrainerConfig& config, at::Device device);

// Two lines for --dry-run; a third with what to set where the configuration's micro-batch has no room.
std::string memory_text(const MemoryPlan& plan, const TrainerConfig& config, at::Device device);

}  // namespace pillar
