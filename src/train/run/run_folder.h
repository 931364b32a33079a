// Internal: what rank 0 keeps in a run's folder beside checkpoints. On other ranks everything does nothing.
#pragma once

#include "pillar/data/pretrain_loader.h"
#include "pillar/train/metrics_log.h"
#include "pillar/train/run_checkpoint.h"

#include "train/pretrain/pretrain_setup.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pillar {

class RunFolder {
 public:
  // Locks the folder and turns the log to its log.txt. Throws Error(usage | io).
  RunFolder(const PretrainOptions& options, const World& world);

  bool is_writer() const noexcept { return lock_ != nullptr; }
  CheckpointStore& store() { return *store_; }
  // Opens metrics.jsonl and failures.csv for a run that goes on at `step`; writes config.yaml.
  void open(std::int64_t step);
  void write(const MetricsRow& row);
  // Studies that failed, of all ranks; each is listed once.
  void add_failures(const std::string& phase, const std::vector<BadStudy>& bad);
  std::int64_t failures() const { return static_cast<std::int64_t>(failures_.size()); }
  void export_model(const std::string& config_json, const WeightMap& weights) const;

 private:
  void read_failures();
  const PretrainOptions& options_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<MetricsLog> metrics_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> failures_;  // by phase and name
};

// Collective: what every rank found bad, on all ranks.
std::vector<BadStudy> gather_bad(const World& world, const std::vector<BadStudy>& own);

}  // namespace pillar
