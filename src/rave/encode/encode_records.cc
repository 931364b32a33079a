#include "rave/encode/encode_records.h"

#include "pillar/core/batch.h"
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"

#include <map>
#include <set>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kMappingHeader = {"source_path", "accession",     "series_number",
                                                 "output_path", "dicom_size_mb", "processed_size_mb"};

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.4f}", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

std::vector<std::string> mapping_row(const EncodeOutcome& outcome) {
  return {outcome.source.string(),
          outcome.accession,
          std::to_string(outcome.series_number),
          outcome.output.string(),
          megabytes(outcome.source_bytes),
          megabytes(outcome.sample_bytes)};
}

// What training takes: a name for each sample and where it lies. An accession with several series is no name,
// so each of its samples goes by its folder's or archive's.
void write_manifest(const fs::path& output_folder, const CsvTable& mapping) {
  constexpr std::size_t kAccession = 1, kOutput = 3;
  std::map<std::string, int> series;
  for (const auto& row : mapping.rows) ++series[row[kAccession]];
  CsvTable manifest;
  manifest.header = {"sample_name", "image_cache_path"};
  for (const auto& row : mapping.rows) {
    const fs::path output = row[kOutput];
    const fs::path beside = output.lexically_proximate(output_folder);
    const bool inside = !beside.empty() && *beside.begin() != "..";
    manifest.rows.push_back({series[row[kAccession]] == 1 ? row[kAccession] : output.filename().string(),
                             (inside ? beside : output).string()});
  }
  write_csv(output_folder / "manifest.csv", manifest);
}

}  // namespace

void write_mapping(const fs::path& output_folder, const std::vector<EncodeOutcome>& outcomes) {
  const fs::path file = output_folder / "mapping.csv";
  CsvTable table;
  table.header = kMappingHeader;
  std::set<std::string> sources;
  for (const EncodeOutcome& outcome : outcomes) sources.insert(outcome.source.string());
  if (fs::exists(file)) {
    const CsvTable earlier = read_csv(file);
    if (earlier.header != kMappingHeader)
      fail(ErrorCategory::input, "{}: its columns are not those of a mapping", file);
    for (const auto& row : earlier.rows) {
      if (sources.count(row[0]) == 0 && fs::exists(row[3])) table.rows.push_back(row);
    }
  }
  for (const EncodeOutcome& outcome : outcomes) {
    if (outcome.status == EncodeStatus::written || outcome.status == EncodeStatus::skipped)
      table.rows.push_back(mapping_row(outcome));
  }
  write_csv(file, table);
  write_manifest(output_folder, table);
}

void record_failures(const fs::path& output_folder, const std::vector<EncodeOutcome>& outcomes) {
  std::vector<std::vector<std::string>> rows;
  for (const EncodeOutcome& outcome : outcomes) {
    if (outcome.status == EncodeStatus::failed)
      rows.push_back({outcome.source.string(), outcome.stage, outcome.reason});
  }
  write_failures(output_folder, {"path", "stage", "reason"}, std::move(rows));
}

std::uint64_t bytes_below(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return fs::file_size(path, error);
  std::uint64_t total = 0;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) total += it->file_size(ignored);
  }
  return total;
}

}  // namespace pillar
