// JSON lines of studies and their reports, one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace pillar {

struct ReportLine {
  std::string study;   // sample_name, not empty; a whole number as its digits
  std::string report;  // report_metadata, empty where it is absent, null or NaN, or no text
  std::size_t line = 0;
  std::string fault;  // why there is no report, where it is no text; else empty
};

// In the file's order; blank lines are left out. Throws Error(io | input) naming file and line: no JSON
// object, no sample_name.
void for_each_report(const std::filesystem::path& file, const std::function<void(const ReportLine&)>& take);

}  // namespace pillar
