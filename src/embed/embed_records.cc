#include "embed/embed_records.h"

#include "pillar/core/batch.h"

#include "core/shared/utc_now.h"

#include <fmt/format.h>

namespace pillar {

void record_processed(const EmbedJob& job, const std::vector<EmbedOutcome>& outcomes) {
  std::map<std::pair<std::string, std::string>, ProcessedRow> rows;  // by split and accession
  for (ProcessedRow& row : read_processed(job.cache)) rows[{row.split, row.accession}] = std::move(row);
  const std::string now = utc_now();
  for (const EmbedOutcome& outcome : outcomes) {
    if (outcome.status == EmbedStatus::failed) continue;
    const ProcessedRow row = {outcome.accession, job.model_name, job.dataset_name, job.split, now};
    const auto [place, is_new] = rows.emplace(std::pair(job.split, outcome.accession), row);
    if (!is_new && outcome.status == EmbedStatus::written) place->second = row;
  }
  std::vector<ProcessedRow> sorted;
  sorted.reserve(rows.size());
  for (auto& [key, row] : rows) sorted.push_back(std::move(row));
  write_processed(job.cache, sorted);
}

void record_failures(const std::filesystem::path& cache, const std::vector<EmbedOutcome>& outcomes) {
  std::vector<std::vector<std::string>> rows;
  for (const EmbedOutcome& outcome : outcomes) {
    if (outcome.status == EmbedStatus::failed)
      rows.push_back({outcome.accession, outcome.path.string(), outcome.reason});
  }
  write_failures(cache, {"accession", "path", "reason"}, std::move(rows));
}

std::int64_t EmbedSummary::count(EmbedStatus status) const {
  return count_status(outcomes, status);
}

std::string EmbedSummary::brief() const {
  const std::int64_t written = count(EmbedStatus::written);
  const std::string text = counts_in_words({{written, "embedded"},
                                            {count(EmbedStatus::skipped), "there already"},
                                            {count(EmbedStatus::failed), "failed"}});
  if (written == 0 || seconds <= 0) return text;
  return fmt::format("{}; {:.2f} volumes/s, {:.0f} % of the time waiting for the loader", text,
                     static_cast<double>(written) / seconds, 100 * waited_seconds / seconds);
}

}  // namespace pillar
