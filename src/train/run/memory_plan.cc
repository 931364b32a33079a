#include "train/run/memory_plan.h"

#include "pillar/core/available_memory.h"
#include "pillar/device/device_clock.h"
#include "pillar/model/atlas_memory.h"

#include "train/run/batching.h"
#include "train/run/peak_memory.h"
#include "train/run/study_notes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/resource.h>

namespace pillar {
namespace {

constexpr double kFloat32 = 4, kInt16 = 2, kMega = 1 << 20, kGiga = 1 << 30;

// What this process may still take of the device, or, on a processor, of memory and address space.
double free_bytes(at::Device device, double resident) {
  if (device.is_cuda()) return static_cast<double>(free_device_bytes(device));
  auto free = static_cast<double>(available_memory_bytes());
  struct rlimit limit = {};
  for (const auto kind : {RLIMIT_AS, RLIMIT_DATA}) {
    if (::getrlimit(kind, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      free = std::min(free, std::max(0.0, static_cast<double>(limit.rlim_cur) - resident));
  }
  return free;
}

}  // namespace

MemoryPlan memory_plan(const TrainerConfig& config, at::Device device, std::int64_t stored,
                       std::int64_t trained) {
  const double each = kFloat32 * static_cast<double>(trained);
  MemoryPlan plan;
  plan.on_gpu = device.is_cuda();
  plan.present = plan.on_gpu ? kFloat32 * static_cast<double>(stored) : resident_bytes();
  plan.gradients = each;
  plan.optimiser = 2 * each;
  plan.average = config.ema_decay > 0 ? each : 0;
  if (!plan.on_gpu) plan.loaded = config.loader_cache_gb * kGiga;
  plan.free = free_bytes(device, resident_bytes());
  return plan;
}

void add_modality(MemoryPlan& plan, const TrainerConfig& config, std::int64_t voxels,
                  const AtlasConfig& atlas, const TowerConfig& tower, PatchEmbedKind kind,
                  const AtlasPass& pass) {
  const AtlasMemory memory = atlas_memory(atlas, tower, kind, pass);
  const double study = kInt16 * static_cast<double>(voxels);
  // Towers run one after the other, but each keeps its windows' place.
  plan.windows += memory.image;
  plan.activations = std::max(plan.activations, memory.peak() - memory.image);
  if (plan.on_gpu) {
    plan.windows += study;
  } else {  // this step's studies, and those that are read ahead
    const double step = static_cast<double>(config.batch_size) * study;
    plan.loaded += step + std::min(step, config.loader_memory_gb * kGiga);
  }
}

std::int64_t voxels_of(const TowerConfig& tower) {
  const std::array<std::int64_t, 3> size = tower.size_dhw();
  return size[0] * size[1] * size[2];
}

std::int64_t largest_micro_batch(const MemoryPlan& plan, std::int64_t batch_size) {
  for (std::int64_t micro = batch_size; micro > 0; --micro) {
    if (batch_size % micro == 0 && plan.needed(micro) <= plan.room()) return micro;
  }
  return 0;
}

MemoryAdvice memory_advice(const MemoryPlan& plan, const TrainerConfig& config, at::Device device) {
  TrainerConfig resolved = config;
  resolved.checkpoint_stem = is_stem_checkpointed(config, device);
  MemoryAdvice advice = training_memory_advice(resolved);
  advice.needed_bytes = static_cast<std::uint64_t>(plan.needed(config.micro_batch));
  return advice;
}

std::string memory_text(const MemoryPlan& plan, const TrainerConfig& config, at::Device device) {
  const std::int64_t most = largest_micro_batch(plan, config.batch_size);
  std::string text = fmt::format("memory           {:.0f} MB {}, {:.0f} MB gradients, {:.0f} MB optimiser",
                                 plan.present / kMega, plan.on_gpu ? "weights" : "before the first step",
                                 plan.gradients / kMega, (plan.optimiser + plan.average) / kMega);
  text += fmt::format(", {:.0f} MB loaded, {:.0f} MB a study of a micro-batch\n", plan.loaded / kMega,
                      plan.study() / kMega);
  text += fmt::format("                 about {:.0f} MB of {:.0f} {} at train.micro_batch={}; {}\n",
                      plan.needed(config.micro_batch) / kMega, plan.room() / kMega,
                      plan.on_gpu ? "on the device" : "that there are", config.micro_batch,
                      most > 0 ? fmt::format("the largest that fits is {}", most) : "not even 1 fits");
  if (plan.needed(config.micro_batch) > plan.room())
    text += note_line(fmt::format("train.micro_batch={} is likely to run out of memory: {}",
                                  config.micro_batch, memory_advice(plan, config, device).lower));
  return text;
}

}  // namespace pillar
