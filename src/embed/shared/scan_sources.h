// Shared: which scan each result of a batch is of, in a file beside the results.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/scan.h"
#include "pillar/image/source_identity.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace pillar {

struct ScanSource {
  std::filesystem::path path;  // where the scan lay, for messages
  SourceIdentity identity;
};

// A CSV: accession,path,source,content, in a folder that is there. Written by flush(), so that of a killed
// run's last results it says nothing; it never says anything wrong.
class ScanSources {
 public:
  // `overwrite`: results may be replaced by others; until finish() the file then tells of none but those that
  // were put. Throws Error(input) where its columns are others.
  ScanSources(std::filesystem::path file, bool overwrite);

  // What was said when this was made. Thread-safe.
  std::optional<ScanSource> before(const std::string& accession) const;
  void put(const std::string& accession, ScanSource source);
  // From the next flush() until put() or finish() nothing is said of a result. True where something was.
  bool withdraw(const std::string& accession);
  void forget(const std::string& accession);  // for good; not while other threads ask
  void flush();                               // throws Error(io)
  void finish();                              // flush(), with all that was said before and was not replaced

 private:
  std::filesystem::path file_;
  std::map<std::string, ScanSource> before_;
  std::map<std::string, ScanSource> rows_;
};

// Whether a result that is there under the scan's name is of this scan as it is now; where it has changed
// since, a note says so. Throws Error(input) where `holder` has another scan's.
bool is_of_scan(const ScanSource& then, const ScanEntry& scan, const SourceIdentity& now,
                const std::string& holder, Notes& notes);

}  // namespace pillar
