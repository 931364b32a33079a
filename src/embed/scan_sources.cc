#include "embed/shared/scan_sources.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kSourcesHeader = {"accession", "path", "source", "content"};

std::map<std::string, ScanSource> read_sources(const fs::path& file) {
  const CsvTable table = read_csv(file);
  if (table.header != kSourcesHeader)
    fail(ErrorCategory::input, "{}: its columns are not {}", file, joined(kSourcesHeader, ","));
  std::map<std::string, ScanSource> sources;
  for (const auto& row : table.rows) sources[row[0]] = {row[1], {row[2], row[3]}};
  return sources;
}

}  // namespace

ScanSources::ScanSources(fs::path file, bool overwrite) : file_(std::move(file)) {
  std::error_code ignored;
  if (fs::exists(file_, ignored)) before_ = read_sources(file_);
  if (!overwrite) rows_ = before_;
  if (overwrite && !before_.empty()) flush();
}

ScanSources ScanSources::part(fs::path file, std::map<std::string, ScanSource> before, bool overwrite) {
  ScanSources sources;
  sources.file_ = std::move(file);
  sources.is_part_ = true;
  sources.before_ = std::move(before);
  if (overwrite) {
    for (const auto& [accession, source] : sources.before_) sources.withdrawn_.insert(accession);
  }
  return sources;
}

std::optional<ScanSource> ScanSources::before(const std::string& accession) const {
  const auto found = before_.find(accession);
  if (found == before_.end() || !found->second.identity.is_known()) return std::nullopt;
  return found->second;
}

void ScanSources::put(const std::string& accession, ScanSource source) {
  rows_[accession] = std::move(source);
  withdrawn_.erase(accession);
}

bool ScanSources::withdraw(const std::string& accession) {
  const bool was_said = rows_.erase(accession) > 0;
  if (!is_part_ || before_.count(accession) == 0) return was_said;
  return withdrawn_.insert(accession).second || was_said;
}

bool ScanSources::take_in(const fs::path& part) {
  std::map<std::string, ScanSource> sources = read_sources(part);
  for (auto& [accession, source] : sources) {
    if (source.path.empty()) {
      forget(accession);
    } else {
      put(accession, std::move(source));
    }
  }
  return !sources.empty();
}

void ScanSources::forget(const std::string& accession) {
  rows_.erase(accession);
  before_.erase(accession);
}

void ScanSources::flush() {
  CsvTable table{kSourcesHeader, {}};
  for (const auto& [accession, source] : rows_)
    table.rows.push_back({accession, source.path.string(), source.identity.source, source.identity.content});
  for (const std::string& accession : withdrawn_) table.rows.push_back({accession, "", "", ""});
  write_csv(file_, table);
}

void ScanSources::finish() {
  withdrawn_.clear();
  if (!is_part_) rows_.insert(before_.begin(), before_.end());
  if (is_part_ || !rows_.empty()) flush();
}

bool is_of_scan(const ScanSource& then, const ScanEntry& scan, const SourceIdentity& now,
                const std::string& holder, Notes& notes) {
  const SourceMatch match = compare(then.identity, now);
  if (match == SourceMatch::other) {
    fail(ErrorCategory::input,
         "{}: {} has another scan's under the name {}: of {}, {}, not {}; a manifest gives each its own name",
         scan.path, holder, printable(scan.name), then.path, describe(then.identity), describe(now));
  }
  if (match != SourceMatch::changed) return true;
  notes.add(fmt::format("{}: has changed since {} had it: {} then, {} now; made anew", scan.path.string(),
                        holder, describe(then.identity), describe(now)));
  return false;
}

}  // namespace pillar
