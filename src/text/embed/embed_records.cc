#include "text/embed/embed_records.h"

#include "pillar/core/batch.h"
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "text/cache/cache_metadata.h"
#include "text/cache/vector_store.h"

#include <set>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kSettingsKey = "pillar";
constexpr const char* kCategory = "all_findings";
const std::vector<std::string> kReportsHeader = {"study_sha256", "report_sha256"};

fs::path reports_file(const TextEmbedJob& job) {
  return job.cache / "reports.csv";
}

// "train" and "valid" in one cache: "train+valid".
std::string joined_splits(const std::string& before, const std::string& now) {
  std::vector<std::string> names;
  for (const std::string& text : {before, now}) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('+', begin), text.size());
      const std::string name = text.substr(begin, end - begin);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      begin = end + 1;
    }
  }
  return fmt::format("{}", fmt::join(names, "+"));
}

void refuse_another_cache(const TextEmbedJob& job, const Json& info) {
  const auto settings = info.find(kSettingsKey);
  if (settings == info.end())
    fail(ErrorCategory::usage, "{}: a cache that another program made; choose another folder", job.cache);
  const Json wanted = {{"model_name", job.model_name},
                       {"max_length", job.max_length},
                       {kSettingsKey, Json::parse(job.settings)}};
  for (const auto& [key, value] : wanted.items()) {
    const auto there = info.find(key);
    if (there != info.end() && *there == value) continue;
    fail(ErrorCategory::usage, "{}: embedded otherwise: {} was {}, and is {} now; choose another folder",
         job.cache, key, there == info.end() ? "absent" : printable(there->dump(), 300),
         printable(value.dump(), 300));
  }
}

std::map<StudyDigest, StudyDigest> read_reports(const TextEmbedJob& job) {
  std::map<StudyDigest, StudyDigest> reports;
  const fs::path file = reports_file(job);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return reports;
  const CsvTable table = read_csv(file);
  if (table.header != kReportsHeader)
    fail(ErrorCategory::input, "{}: its columns are not {}", file, joined(kReportsHeader, ","));
  for (const auto& row : table.rows) {
    const auto study = parse_digest(row[0]), report = parse_digest(row[1]);
    if (!study || !report)
      fail(ErrorCategory::input, "{}: '{}' is no SHA-256 in hex", file, printable(row[study ? 1 : 0]));
    reports[*study] = *report;
  }
  return reports;
}

bool reads(const VectorStore& store, std::size_t place) {
  try {
    const StoredVectors vectors = store.stored(place);
    const auto found = vectors.find(kCategory);
    if (found == vectors.end()) return false;
    checked_vector(found->second, store.width(), store.file(place).string());
    return true;
  } catch (const Error& error) {
    spdlog::warn("{}; embedded again", error.what());
    return false;
  }
}

}  // namespace

CacheRecords read_cache_records(const TextEmbedJob& job) {
  CacheRecords records;
  std::error_code ignored;
  if (!fs::exists(cache_metadata_file(job.cache), ignored)) return records;
  const auto store = open_vector_folder(job.cache);
  const Json info = Json::parse(store->info());
  refuse_another_cache(job, info);
  records.width = store->width();
  if (const auto split = info.find("split"); split != info.end() && split->is_string())
    records.split = split->get<std::string>();
  const auto reports = read_reports(job);
  for (std::size_t place = 0; place < store->studies().size(); ++place) {
    const auto report = reports.find(store->studies()[place]);
    if (report != reports.end() && reads(*store, place)) records.reports.insert(*report);
  }
  return records;
}

void write_cache_records(const TextEmbedJob& job, const CacheRecords& records) {
  CsvTable table;
  table.header = kReportsHeader;
  std::vector<StudyDigest> studies;
  for (const auto& [study, report] : records.reports) {
    table.rows.push_back({to_hex(study), to_hex(report)});
    studies.push_back(study);
  }
  write_csv(reports_file(job), table);
  const Json info = {{"model_name", job.model_name},
                     {"normalize_embeddings", true},
                     {"max_length", job.max_length},
                     {"embedding_dim", records.width},
                     {"version", "1.0"},
                     {"dataset_name", job.dataset_name},
                     {"split", joined_splits(records.split, job.split)},
                     {kSettingsKey, Json::parse(job.settings)}};
  write_cache_metadata(job.cache, info.dump(), studies);
}

void write_text_failures(const TextEmbedJob& job, const std::vector<TextFailure>& failures) {
  std::vector<std::vector<std::string>> rows;
  for (const TextFailure& failure : failures) rows.push_back({failure.study, failure.file, failure.reason});
  write_failures(job.cache, {"sample_name", "file", "reason"}, rows);
}

}  // namespace pillar
