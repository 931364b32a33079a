#include "train/run/run_checks.h"

#include "pillar/core/fail.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNumberBytes = 4;     // all tensors of a run are float32
constexpr std::uint64_t kLogRowBytes = 3072;  // a row of metrics.jsonl, its events, its line of log.txt

std::string bytes_text(std::uint64_t bytes) {
  constexpr double kMegabyte = 1 << 20, kGigabyte = 1 << 30;
  const auto number = static_cast<double>(bytes);
  return number >= kGigabyte ? fmt::format("{:.1f} GB", number / kGigabyte)
                             : fmt::format("{:.1f} MB", number / kMegabyte);
}

}  // namespace

void note_warmup(const char* key, std::int64_t warmup_steps, std::int64_t total_steps, Notes& notes) {
  if (warmup_steps < total_steps) return;
  notes.add(
      fmt::format("{}: a warm-up of {} steps in a run of {}: the learning rate never comes to optimizer.lr",
                  key, warmup_steps, total_steps));
}

void note_single_study(const std::string& pool, std::int64_t studies, const TrainerConfig& config,
                       Notes& notes) {
  if (config.drop_last || studies <= config.batch_size || studies % config.batch_size != 1) return;
  notes.add(
      fmt::format("{}: {} studies in batches of {} leave one alone: it joins the batch before, which has {}",
                  pool, studies, config.batch_size, config.batch_size + 1));
}

void say_statistics(const TrainerConfig& config, const World& world) {
  if (world.size() == 1) return;
  spdlog::info(
      config.sync_batchnorm
          ? "BatchNorm: batches are normalised over all processes, as one process would with all of "
            "their micro-batches in one"
          : "BatchNorm: each process normalises by its own micro-batches; the export has the mean of "
            "their statistics, which one process alone would not have (train.sync_batchnorm)");
}

DiskNeed disk_need(const TrainerConfig& config, std::int64_t stored, std::int64_t trained,
                   std::int64_t total_steps) {
  const auto all = static_cast<std::uint64_t>(stored) * kNumberBytes,
             moved = static_cast<std::uint64_t>(trained) * kNumberBytes;
  DiskNeed need;
  need.checkpoint = all + (config.ema_decay > 0 ? 3 : 2) * moved;
  need.checkpoints = config.checkpoints_kept + 2;
  need.export_bytes = all;
  need.logs = static_cast<std::uint64_t>(total_steps / config.log_steps + config.epochs) * kLogRowBytes;
  return need;
}

std::string to_text(const DiskNeed& need) {
  return fmt::format("{}: {} checkpoints of {}, export {}, logs {}", bytes_text(need.total()),
                     need.checkpoints, bytes_text(need.checkpoint), bytes_text(need.export_bytes),
                     bytes_text(need.logs));
}

DiskRoom disk_room(const fs::path& folder) {
  std::error_code error;
  DiskRoom room;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;  // a file that is removed meanwhile
    if (entry->is_regular_file(gone)) room.used_already += entry->file_size(gone);
  }
  fs::path there = fs::absolute(folder, error);
  while (!fs::exists(there, error) && there.has_relative_path()) there = there.parent_path();
  room.free = fs::space(there, error).available;
  if (error) fail(ErrorCategory::io, "{}: cannot tell how much room there is: {}", there, error.message());
  return room;
}

void check_disk(const DiskNeed& need, const DiskRoom& room, const fs::path& folder, Notes& notes) {
  const std::uint64_t reachable = room.free + room.used_already;
  if (reachable < need.checkpoint + need.export_bytes) {
    fail(ErrorCategory::io,
         "{}: {} free, and one checkpoint with the export takes {} (output, or a disk with "
         "more room)",
         folder, bytes_text(room.free), bytes_text(need.checkpoint + need.export_bytes));
  }
  if (reachable >= need.total()) return;
  notes.add(fmt::format("{}: {} free, and the run's folder comes to {}; fewer with checkpoint.keep",
                        folder.string(), bytes_text(room.free), to_text(need)));
}

}  // namespace pillar
