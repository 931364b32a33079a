#include "embed/share_report.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"

#include <charconv>

#include <fmt/format.h>

namespace pillar {
namespace {

// A row's first field says what it is, and how the others are read.
const std::vector<std::string> kReportHeader = {"row", "first", "second", "third", "fourth"};
constexpr const char* kReportName = "what another process reports";

template <typename Number>
Number number_in(const std::string& text) {
  Number number = {};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size())
    fail(ErrorCategory::input, "{}: '{}' is no number", kReportName, text);
  return number;
}

template <typename Enum>
Enum value_in(const std::string& text, Enum last) {
  const int value = number_in<int>(text);
  if (value < 0 || value > static_cast<int>(last))
    fail(ErrorCategory::input, "{}: {} means nothing", kReportName, value);
  return static_cast<Enum>(value);
}

std::string text_of(auto value) {
  return std::to_string(static_cast<int>(value));
}

}  // namespace

std::string format_share_report(const ShareReport& report) {
  CsvTable table{kReportHeader, {}};
  if (report.fault)
    table.rows.push_back({"fault", text_of(report.fault->category()), report.fault->what(), "", ""});
  table.rows.push_back({"time", fmt::format("{}", report.summary.seconds),
                        fmt::format("{}", report.summary.idle_seconds),
                        fmt::format("{}", report.summary.queued_seconds), ""});
  for (const ScanOutcome& outcome : report.summary.outcomes)
    table.rows.push_back(
        {"outcome", outcome.accession, outcome.path.string(), text_of(outcome.status), outcome.reason});
  for (const auto& [accession, source] : report.sources)
    table.rows.push_back(
        {"source", accession, source.path.string(), source.identity.source, source.identity.content});
  return format_csv(table);
}

ShareReport parse_share_report(const std::string& text) {
  const CsvTable table = parse_csv(text, kReportName);
  if (table.header != kReportHeader) fail(ErrorCategory::input, "{}: no report", kReportName);
  ShareReport report;
  for (const auto& row : table.rows) {
    if (row[0] == "fault") {
      report.fault.emplace(value_in(row[1], ErrorCategory::unsupported), row[2]);
    } else if (row[0] == "time") {
      report.summary.seconds = number_in<double>(row[1]);
      report.summary.idle_seconds = number_in<double>(row[2]);
      report.summary.queued_seconds = number_in<double>(row[3]);
    } else if (row[0] == "outcome") {
      report.summary.outcomes.push_back(
          {PathText(row[2]), row[1], value_in(row[3], ScanStatus::failed), row[4]});
    } else if (row[0] == "source") {
      report.sources[row[1]] = {row[2], {row[3], row[4]}};
    } else {
      fail(ErrorCategory::input, "{}: '{}' means nothing", kReportName, row[0]);
    }
  }
  return report;
}

}  // namespace pillar
