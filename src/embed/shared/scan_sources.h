// Shared: which scan each result of a batch is of, in a file beside the results.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/scan.h"
#include "pillar/image/source_identity.h"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
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
  // Of one of several processes that make results side by side: its file says only what is otherwise than
  // `before`, a result that nothing is said of any more as a row without a path. take_in() reads it.
  static ScanSources part(std::filesystem::path file, std::map<std::string, ScanSource> before,
                          bool overwrite);

  // What was said when this was made. Thread-safe.
  std::optional<ScanSource> before(const std::string& accession) const;
  void put(const std::string& accession, ScanSource source);
  // From the next flush() until put() or finish() nothing is said of a result. True where something was.
  bool withdraw(const std::string& accession);
  void forget(const std::string& accession);  // for good; not while other threads ask
  // What a part says, from now on said here. Whether it says anything.
  bool take_in(const std::filesystem::path& part);
  // What is said now, by accession; of a part what it has put.
  const std::map<std::string, ScanSource>& said() const noexcept { return rows_; }
  void flush();   // throws Error(io)
  void finish();  // flush(), with all that was said before and was not replaced

 private:
  ScanSources() = default;

  std::filesystem::path file_;
  bool is_part_ = false;
  std::map<std::string, ScanSource> before_;
  std::map<std::string, ScanSource> rows_;
  std::set<std::string> withdrawn_;  // of a part: of what was said before
};

// Whether a result that is there under the scan's name is of this scan as it is now; where it has changed
// since, a note says so. Throws Error(input) where `holder` has another scan's.
bool is_of_scan(const ScanSource& then, const ScanEntry& scan, const SourceIdentity& now,
                const std::string& holder, Notes& notes);

}  // namespace pillar
