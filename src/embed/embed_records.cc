#include "embed/embed_records.h"

#include "pillar/core/write_lock.h"

#include "core/shared/utc_now.h"

namespace pillar {

void record_processed(const EmbedJob& job, const std::vector<ScanOutcome>& outcomes,
                      const std::vector<std::string>& removed) {
  const WriteLock lock = WriteLock::beside(job.cache / "processed.csv", WriteLock::IfHeld::wait);
  std::map<std::pair<std::string, std::string>, ProcessedRow> rows;  // by split and accession
  for (ProcessedRow& row : read_processed(job.cache)) rows[{row.split, row.accession}] = std::move(row);
  for (const std::string& accession : removed) rows.erase({job.split, accession});
  const std::string now = utc_now();
  for (const ScanOutcome& outcome : outcomes) {
    if (outcome.status == ScanStatus::failed || outcome.status == ScanStatus::left_out) continue;
    const ProcessedRow row = {outcome.accession, job.model_name, job.dataset_name, job.split, now};
    const auto [place, is_new] = rows.emplace(std::pair(job.split, outcome.accession), row);
    if (!is_new && outcome.status == ScanStatus::written) place->second = row;
  }
  std::vector<ProcessedRow> sorted;
  sorted.reserve(rows.size());
  for (auto& [key, row] : rows) sorted.push_back(std::move(row));
  write_processed(job.cache, sorted);
}

}  // namespace pillar
