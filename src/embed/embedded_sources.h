// Internal: which scan each embedding of a split is of.
#pragma once

#include "pillar/image/source_identity.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace pillar {

struct EmbeddedSource {
  std::filesystem::path path;  // where the scan lay, for messages
  SourceIdentity identity;
};

// <cache>/embeddings/<split>.sources.csv: accession,path,source,content, in a folder that is there (that of
// the split's settings). Written by flush(), so that of a killed run's last embeddings it says nothing; it
// never says anything wrong.
class EmbeddedSources {
 public:
  // `overwrite`: embeddings may be replaced by others; until finish() the file then tells of none but those
  // that were put. Throws Error(input) where its columns are others.
  EmbeddedSources(const std::filesystem::path& cache, const std::string& split, bool overwrite);

  // What was said when this was made. Thread-safe.
  std::optional<EmbeddedSource> before(const std::string& accession) const;
  void put(const std::string& accession, EmbeddedSource source);
  void flush();   // throws Error(io)
  void finish();  // flush(), with all that was said before and was not replaced

 private:
  std::filesystem::path file_;
  std::map<std::string, EmbeddedSource> before_;
  std::map<std::string, EmbeddedSource> rows_;
};

}  // namespace pillar
