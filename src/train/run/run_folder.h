// Internal: what rank 0 keeps in a run's folder. On other ranks everything does nothing.
#pragma once

#include "pillar/core/write_lock.h"
#include "pillar/data/study_loader.h"
#include "pillar/train/metrics_log.h"
#include "pillar/train/run_checkpoint.h"
#include "pillar/world/world.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct RunFolderOptions {
  std::filesystem::path path;
  std::int64_t checkpoints_kept = 3;
  // Given the path of the run's log.txt once the folder is this process's own; may be empty.
  std::function<void(const std::filesystem::path& log_file)> open_log;
};

class RunFolder {
 public:
  // Makes the folder if need be and locks it. Throws Error(usage | io).
  RunFolder(const RunFolderOptions& options, const World& world);

  const std::filesystem::path& path() const noexcept { return path_; }
  bool is_writer() const noexcept { return lock_.has_value(); }
  CheckpointStore& store() { return *store_; }
  // Opens metrics.jsonl and failures.csv for a run that goes on at `step`; writes config.yaml.
  void open(std::int64_t step, const std::string& config_yaml);
  // Opens failures.csv alone, for a run that is only judged: what is there of it stays.
  void open_for_evaluation();
  void write(const MetricsRow& row);
  // Studies that failed, of all ranks; each is listed once.
  void add_failures(const std::string& phase, const std::vector<BadStudy>& bad);
  std::int64_t failures() const { return static_cast<std::int64_t>(failures_.size()); }

 private:
  void read_failures();
  std::filesystem::path path_;
  std::optional<WriteLock> lock_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<MetricsLog> metrics_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> failures_;  // by phase and name
};

// Collective: what every rank found bad, on all ranks.
std::vector<BadStudy> gather_bad(const World& world, const std::vector<BadStudy>& own);

}  // namespace pillar
