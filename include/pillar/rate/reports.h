// Radiology reports by accession, out of CSV files or JSON lines. No message shows a report's text.
#pragma once

#include "pillar/core/notes.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct ReportColumns {
  // Empty: "Accession" and "Report Text", as the public engine has them; of JSON lines that have no
  // "Accession", "sample_name" and "report_metadata", as our cohorts have them.
  std::string accession, report;
};

struct RateReport {
  std::string accession;  // as the file has it: leading zeros and slashes stay
  std::string text;       // UTF-8
};

struct EmptyReport {
  std::string accession;
  std::string place;  // "FILE:LINE"
};

struct RateReports {
  std::vector<RateReport> reports;  // each accession once, in the order of the files
  std::vector<EmptyReport> empty;   // nothing but white space: cannot be asked about
  Notes notes;                      // the same report again; bytes that were no UTF-8
};

// `files`: *.jsonl is read as JSON lines, any other as CSV. An accession that comes again with the same text
// counts once; bytes of a report that are no UTF-8 are read as U+FFFD. Throws Error(io | input) naming file
// and line: no such column, an accession that is empty or no UTF-8, an accession again with another report,
// no report at all.
RateReports read_rate_reports(const std::vector<std::filesystem::path>& files, const ReportColumns& columns);

}  // namespace pillar
