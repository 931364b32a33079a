#include "rave/encode/encode_records.h"

#include "pillar/core/batch.h"
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/rave/verify.h"

#include "core/shared/path_format.h"
#include "core/shared/settled_path.h"

#include <map>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kMappingHeader = {"source_path", "accession",     "series_number",
                                                 "output_path", "dicom_size_mb", "processed_size_mb"};

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.4f}", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

// The last part of a path, which may end in a slash.
std::string last_part(const fs::path& path) {
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::set<std::string> sample_files(const fs::path& folder) {
  std::set<std::string> files;
  std::error_code error;
  if (!fs::exists(folder, error)) return files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (!name.starts_with('.') && looks_like_sample(it->path())) files.insert(std::move(name));
  }
  if (error) fail(ErrorCategory::io, "{}: cannot list: {}", folder, error.message());
  return files;
}

// The rows of mapping.csv, a sample's first where it has several: those after it were other scans' that a
// sample of the same name was taken for.
std::vector<SampleRow> rows_of_mapping(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  const CsvTable table = read_csv(file);
  if (table.header != kMappingHeader)
    fail(ErrorCategory::input, "{}: its columns are not those of a mapping", file);
  std::vector<SampleRow> rows;
  std::set<std::string> seen;
  for (const auto& row : table.rows) {
    std::string name = last_part(row[3]);
    if (seen.insert(name).second)
      rows.push_back({std::move(name), "", row[0], row[1], row[2], row[4], row[5]});
  }
  return rows;
}

// sample_name by the sample's file.
std::map<std::string, std::string> names_of_manifest(const fs::path& file) {
  std::map<std::string, std::string> names;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return names;
  const CsvTable table = read_csv(file);
  const std::size_t name = table.column("sample_name", file), path = table.column("image_cache_path", file);
  for (const auto& row : table.rows) names.emplace(last_part(row[path]), row[name]);
  return names;
}

// What a sample that no file knows says of itself. Nothing is known of one that cannot be read, but it is
// there.
SampleRow row_of_sample(const fs::path& sample) {
  SampleRow row;
  row.file = sample.filename().string();
  row.sample_megabytes = megabytes(bytes_below(sample));
  row.source_megabytes = megabytes(0);
  row.series_number = "0";
  try {
    const SampleMetadata metadata = read_sample_metadata(sample).value_or(SampleMetadata{});
    row.source_path = metadata.source_directory;
    row.accession = metadata.accession;
    row.series_number = std::to_string(metadata.series_number);
    if (metadata.record) row.sample_name = metadata.record->sample_name;
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
  }
  return row;
}

// Names come from manifest.csv, where they stay what they were, else from the samples, else by the rule.
void name_rows(std::vector<SampleRow>& rows, const std::map<std::string, std::string>& names) {
  std::set<std::string> taken;
  for (SampleRow& row : rows) {
    const auto found = names.find(row.file);
    if (found != names.end() && !found->second.empty()) row.sample_name = found->second;
    const std::string own = without_archive_ending(row.file);
    if (row.sample_name.empty()) row.sample_name = row.accession.empty() ? own : row.accession;
    row.sample_name = unique_sample_name(row.sample_name, own, taken);
  }
}

SampleRow row_of_outcome(const EncodeOutcome& outcome) {
  return {outcome.output.filename().string(),    outcome.sample_name,
          settled_path(outcome.source).string(), outcome.accession,
          std::to_string(outcome.series_number), megabytes(outcome.source_bytes),
          megabytes(outcome.sample_bytes)};
}

void write_rows(const fs::path& output_folder, const std::vector<SampleRow>& rows) {
  const fs::path place = settled_path(output_folder);
  CsvTable mapping{kMappingHeader, {}};
  CsvTable manifest{{"sample_name", "image_cache_path"}, {}};
  for (const SampleRow& row : rows) {
    mapping.rows.push_back({row.source_path, row.accession, row.series_number, (place / row.file).string(),
                            row.source_megabytes, row.sample_megabytes});
    manifest.rows.push_back({row.sample_name, row.file});
  }
  write_csv(output_folder / "mapping.csv", mapping);
  write_csv(output_folder / "manifest.csv", manifest);
}

}  // namespace

std::string without_archive_ending(const std::string& file) {
  for (Archive archive : {Archive::tar_lz4, Archive::tar}) {
    const std::string ending = sample_suffix(archive);
    if (file.size() > ending.size() && file.ends_with(ending))
      return file.substr(0, file.size() - ending.size());
  }
  return file;
}

std::string unique_sample_name(const std::string& wanted, const std::string& own,
                               std::set<std::string>& taken) {
  if (taken.insert(wanted).second) return wanted;
  if (taken.insert(own).second) return own;
  for (int number = 2;; ++number) {
    std::string name = fmt::format("{}.{}", own, number);
    if (taken.insert(name).second) return name;
  }
}

std::vector<SampleRow> read_sample_rows(const fs::path& output_folder, const std::set<std::string>& known) {
  std::set<std::string> on_disk = sample_files(output_folder);
  for (const std::string& file : known) on_disk.erase(file);
  std::vector<SampleRow> rows;
  for (SampleRow& row : rows_of_mapping(output_folder / "mapping.csv")) {
    if (on_disk.erase(row.file) > 0) rows.push_back(std::move(row));
  }
  for (const std::string& file : on_disk) rows.push_back(row_of_sample(output_folder / file));
  name_rows(rows, names_of_manifest(output_folder / "manifest.csv"));
  return rows;
}

void write_mapping(const fs::path& output_folder, const std::vector<EncodeOutcome>& outcomes) {
  const std::set<std::string> on_disk = sample_files(output_folder);
  std::vector<SampleRow> of_batch;
  std::set<std::string> known;
  for (const EncodeOutcome& outcome : outcomes) {
    if (outcome.status != EncodeStatus::written && outcome.status != EncodeStatus::skipped) continue;
    SampleRow row = row_of_outcome(outcome);
    // A scan that was named twice has one row, and none where its sample could not be made.
    if (on_disk.contains(row.file) && known.insert(row.file).second) of_batch.push_back(std::move(row));
  }
  std::vector<SampleRow> rows = read_sample_rows(output_folder, known);
  rows.insert(rows.end(), of_batch.begin(), of_batch.end());
  // Another batch may have written into the folder meanwhile: no name may come twice.
  name_rows(rows, {});
  write_rows(output_folder, rows);
}

void record_failures(const fs::path& output_folder, const std::vector<EncodeOutcome>& outcomes) {
  std::vector<std::vector<std::string>> rows;
  for (const EncodeOutcome& outcome : outcomes) {
    if (outcome.status == EncodeStatus::failed)
      rows.push_back({outcome.source.string(), outcome.stage, outcome.reason});
  }
  write_failures(output_folder, {"path", "stage", "reason"}, rows);
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
