#include "embed/open_split.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/embed/study_evidence.h"

#include "core/shared/path_format.h"
#include "embed/embed_records.h"
#include "embed/split_settings.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

fs::path sources_file(const EmbedJob& job) {
  return job.cache / "embeddings" / (job.split + ".sources.csv");
}

fs::path parts_folder(const EmbedJob& job) {
  return job.cache / "embeddings" / fmt::format(".{}.parts", job.split);
}

void claim_cache(const EmbedJob& job) {
  read_processed(job.cache);  // before anything is computed: a file that is none of ours stops here
  Settings settings = job.settings;
  settings["model"] = job.model_name;
  settings["modality"] = job.spec.modality;
  settings["format"] = to_string(job.format);
  settings["preprocess"] = describe(job.spec);
  claim_split(job.cache, job.split, settings);
}

// Files of parts alone: beside them lie their locks and what was half written.
std::vector<fs::path> parts_left(const fs::path& folder) {
  std::vector<fs::path> parts;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string stem = entry.path().stem().string();
    const bool is_number = stem.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && entry.path().extension() == ".csv") parts.push_back(entry.path());
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

// A process of the run that left them may still be ending, on another host perhaps: its lock is waited for.
void take_in_parts(const EmbedJob& job) {
  const std::vector<fs::path> parts = parts_left(parts_folder(job));
  if (!parts.empty()) {
    ScanSources sources(sources_file(job), false);
    bool any = false;
    for (const fs::path& part : parts) {
      const WriteLock ended = WriteLock::beside(part, WriteLock::IfHeld::wait);
      any = sources.take_in(part) || any;
    }
    if (any) sources.flush();
  }
  remove_parts(job);
}

// Returns what it removed.
std::vector<std::string> settle_others(const EmbedJob& job, EmbeddingCache& cache, ScanSources& sources) {
  if (job.others == OtherEmbeddings::keep) return {};
  std::set<std::string> wanted(job.missing.begin(), job.missing.end());
  for (const ScanEntry& scan : job.scans) wanted.insert(scan.name);
  std::vector<std::string> others;
  for (const std::string& accession : cache.accessions())
    if (wanted.count(accession) == 0) others.push_back(accession);
  if (others.empty()) return others;
  if (job.others == OtherEmbeddings::refuse) {
    fail(ErrorCategory::usage,
         "{}: split {} has embeddings of {} studies that the list does not have ({} is the first); --others "
         "remove takes them out, --others keep leaves them there",
         job.cache, job.split, others.size(), printable(others.front()));
  }
  for (const std::string& accession : others) {
    sources.forget(accession);
    remove_study_evidence(job.cache, job.split, accession);
    cache.remove(accession);
  }
  cache.flush();
  sources.flush();
  spdlog::warn("{}: {} embeddings of studies that the list does not have were taken out of split {}",
               job.cache.string(), others.size(), job.split);
  return others;
}

}  // namespace

OpenSplit open_split(const EmbedJob& job, bool overwrite) {
  WriteLock lock = EmbeddingCache::lock(job.cache, job.split);
  EmbeddingCache cache(job.cache, job.split, job.format);
  claim_cache(job);
  take_in_parts(job);
  // Only now has every process of a killed run ended, whose files these may be: embeddings, what is said of
  // splits, what is said of the cache.
  const fs::path splits = job.cache / "embeddings";
  for (const fs::path& folder : {splits / job.split, splits, job.cache}) remove_unfinished(folder, "files");
  ScanSources sources(sources_file(job), overwrite);
  std::vector<std::string> removed = settle_others(job, cache, sources);
  return {std::move(lock), std::move(cache), std::move(sources), std::move(removed)};
}

void record_outcomes(const EmbedJob& job, const OpenSplit& split, const std::vector<ScanOutcome>& outcomes) {
  record_processed(job, outcomes, split.removed);
  write_scan_failures(job.cache, outcomes);
}

fs::path part_of_sources(const EmbedJob& job, std::int64_t rank) {
  return parts_folder(job) / fmt::format("{}.csv", rank);
}

void remove_parts(const EmbedJob& job) {
  std::error_code error;
  fs::remove_all(parts_folder(job), error);
  if (error) fail(ErrorCategory::io, "{}: cannot be removed: {}", parts_folder(job), error.message());
}

}  // namespace pillar
