// Internal: what one of several processes that embed together tells the others, as a text that can travel.
#pragma once

#include "pillar/core/error.h"
#include "pillar/data/scan_batch.h"

#include "embed/shared/scan_sources.h"

#include <map>
#include <optional>
#include <string>

namespace pillar {

struct ShareReport {
  std::optional<Error> fault;                 // why the processes cannot begin
  std::map<std::string, ScanSource> sources;  // by accession: which scan its embedding is of
  ScanSummary summary;                        // of the process's own scans, in their order
};

std::string format_share_report(const ShareReport& report);
// Throws Error(input) for a text that format_share_report() has not made.
ShareReport parse_share_report(const std::string& text);

}  // namespace pillar
