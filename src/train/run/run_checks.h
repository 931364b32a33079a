// Internal: what is said of a run before its first step, since its end would come too late.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/train/trainer_config.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace pillar {

// Adds a line where the learning rate never comes to what the configuration says. `key`: the setting that the
// warm-up comes from.
void note_warmup(const char* key, std::int64_t warmup_steps, std::int64_t total_steps, Notes& notes);

// Adds a line where the last batch of an epoch has one study alone.
void note_single_study(const std::string& pool, std::int64_t studies, const TrainerConfig& config,
                       Notes& notes);

// Logs what becomes of BatchNorm's statistics on several processes; nothing on one.
void say_statistics(const TrainerConfig& config, const World& world);

// Bytes that a run's folder comes to.
struct DiskNeed {
  std::uint64_t checkpoint = 0;    // of one
  std::int64_t checkpoints = 0;    // at the same time: those that are kept, the best, and one being written
  std::uint64_t export_bytes = 0;  // the one before stays until the next is whole
  std::uint64_t logs = 0;
  std::uint64_t total() const {
    return checkpoint * static_cast<std::uint64_t>(checkpoints) + 2 * export_bytes + logs;
  }
};

// How many numbers named tensors hold together.
template <typename Tensors>
std::int64_t numbers_of(const Tensors& tensors) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : tensors) count += tensor.numel();
  return count;
}

// `stored`: numbers of all of a model's tensors; `trained`: of those that the optimiser moves.
DiskNeed disk_need(const TrainerConfig& config, std::int64_t stored, std::int64_t trained,
                   std::int64_t total_steps);
// "1.2 GB: 5 checkpoints of 210 MB, export 70 MB, logs 1 MB".
std::string to_text(const DiskNeed& need);

// Bytes free where `folder` is or will be, and those that lie in it already.
struct DiskRoom {
  std::uint64_t free = 0, used_already = 0;
};
DiskRoom disk_room(const std::filesystem::path& folder);

// Adds a line where not everything has room. Throws Error(io) where not even one checkpoint and the export
// have.
void check_disk(const DiskNeed& need, const DiskRoom& room, const std::filesystem::path& folder,
                Notes& notes);

}  // namespace pillar
