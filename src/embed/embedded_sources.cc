#include "embed/embedded_sources.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"

#include "core/shared/joined.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kSourcesHeader = {"accession", "path", "source", "content"};

}  // namespace

EmbeddedSources::EmbeddedSources(const fs::path& cache, const std::string& split, bool overwrite)
    : file_(cache / "embeddings" / (split + ".sources.csv")) {
  std::error_code ignored;
  if (fs::exists(file_, ignored)) {
    const CsvTable table = read_csv(file_);
    if (table.header != kSourcesHeader)
      fail(ErrorCategory::input, "{}: its columns are not {}", file_, joined(kSourcesHeader, ","));
    for (const auto& row : table.rows) before_[row[0]] = {row[1], {row[2], row[3]}};
  }
  if (!overwrite) rows_ = before_;
  if (overwrite && !before_.empty()) flush();
}

std::optional<EmbeddedSource> EmbeddedSources::before(const std::string& accession) const {
  const auto found = before_.find(accession);
  if (found == before_.end() || !found->second.identity.is_known()) return std::nullopt;
  return found->second;
}

void EmbeddedSources::put(const std::string& accession, EmbeddedSource source) {
  rows_[accession] = std::move(source);
}

void EmbeddedSources::flush() {
  CsvTable table{kSourcesHeader, {}};
  for (const auto& [accession, source] : rows_)
    table.rows.push_back({accession, source.path.string(), source.identity.source, source.identity.content});
  write_csv(file_, table);
}

void EmbeddedSources::finish() {
  rows_.insert(before_.begin(), before_.end());
  if (!rows_.empty()) flush();
}

}  // namespace pillar
