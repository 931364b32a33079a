#include "train/run/run_folder.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "world/shared/world_text.h"

#include <nlohmann/json.hpp>

namespace pillar {

RunFolder::RunFolder(const PretrainOptions& options, const World& world) : options_(options) {
  if (world.rank() != 0) return;
  const std::filesystem::path& folder = options.config.output;
  lock_ = std::make_unique<RunLock>(folder);
  LogOptions log = options.log;
  if (log.file.empty()) log.file = folder / "log.txt";
  init_logging(log);
  remove_stale_partials(folder);
  store_ = std::make_unique<CheckpointStore>(folder / "checkpoints", options.config.checkpoints_kept);
}

void RunFolder::open(std::int64_t step) {
  if (!is_writer()) return;
  const std::filesystem::path& folder = options_.config.output;
  write_file_atomic(folder / "config.yaml", format_pretrain_config(options_.config));
  metrics_ = std::make_unique<MetricsLog>(folder, step);
  if (step > 0) read_failures();
  add_failures("", {});
}

void RunFolder::read_failures() {
  const std::filesystem::path file = options_.config.output / "failures.csv";
  if (!std::filesystem::exists(file)) return;
  const CsvTable table = read_csv(file);
  for (const auto& row : table.rows) {
    if (row.size() == 4) failures_[{row[0], row[1]}] = row;
  }
}

void RunFolder::write(const MetricsRow& row) {
  if (metrics_) metrics_->write(row);
}

void RunFolder::add_failures(const std::string& phase, const std::vector<BadStudy>& bad) {
  if (!is_writer()) return;
  for (const BadStudy& study : bad)
    failures_[{phase, study.name}] = {phase, study.name, study.path, study.fault};
  CsvTable table;
  table.header = {"phase", "accession", "path", "reason"};
  for (const auto& [key, row] : failures_) table.rows.push_back(row);
  try {
    write_csv(options_.config.output / "failures.csv", table);
  } catch (const Error& error) {
    spdlog::error("{}", error.what());  // a full disk costs the list, not the run
  }
}

void RunFolder::export_model(const std::string& config_json, const WeightMap& weights) const {
  if (!is_writer()) return;
  try {
    write_checkpoint(options_.config.output / "export", config_json, weights);
  } catch (const Error& error) {
    spdlog::error("not exported, the run goes on: {}", error.what());
  }
}

std::vector<BadStudy> gather_bad(const World& world, const std::vector<BadStudy>& own) {
  nlohmann::json mine = nlohmann::json::array();
  for (const BadStudy& study : own) mine.push_back({study.name, study.path, study.fault});
  // Names may hold any byte; what is no UTF-8 is replaced, for the words are for people.
  const std::string text = mine.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<BadStudy> all;
  for (const std::string& words : gather_texts(world, text)) {
    for (const auto& study : nlohmann::json::parse(words)) all.push_back({study[0], study[1], study[2]});
  }
  return all;
}

}  // namespace pillar
