#include "train/run/run_folder.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/world/world_text.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {

RunFolder::RunFolder(const RunFolderOptions& options, const World& world) : path_(options.path) {
  if (world.rank() != 0) return;
  lock_.emplace(WriteLock::of_folder(path_));
  if (options.open_log) options.open_log(path_ / "log.txt");
  remove_stale_partials(path_);
  store_ = std::make_unique<CheckpointStore>(path_ / "checkpoints", options.checkpoints_kept);
}

void RunFolder::open(std::int64_t step, const std::string& config_yaml) {
  if (!is_writer()) return;
  write_file_atomic(path_ / "config.yaml", config_yaml);
  metrics_ = std::make_unique<MetricsLog>(path_, step);
  if (step > 0) read_failures();
  add_failures("", {});
}

void RunFolder::open_for_evaluation() {
  if (!is_writer()) return;
  read_failures();
  add_failures("", {});
}

void RunFolder::read_failures() {
  const std::filesystem::path file = path_ / "failures.csv";
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
    write_csv(path_ / "failures.csv", table);
  } catch (const Error& error) {
    spdlog::error("{}", error.what());  // a full disk costs the list, not the run
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
