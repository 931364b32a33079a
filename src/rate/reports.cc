#include "pillar/rate/reports.h"

#include "pillar/core/config.h"
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/object_lines.h"

#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kPublicAccession = "Accession";
constexpr const char* kPublicReport = "Report Text";

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

// What is no UTF-8 becomes U+FFFD.
std::string as_utf8(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

class ReportReader {
 public:
  explicit ReportReader(const ReportColumns& columns) : columns_(columns) {}

  void read(const fs::path& file) {
    if (file.extension() == ".jsonl")
      read_json_lines(file);
    else
      read_csv_rows(file);
  }
  RateReports take() { return std::move(reports_); }

 private:
  // The column's place. A file without a header has a report where the header should be, so its words are
  // not shown as CsvTable::column() would.
  static std::size_t column(const CsvTable& table, const std::string& name, const char* flag,
                            const fs::path& file) {
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      if (table.header[i] == name) return i;
    }
    const std::string near = nearest_name(name, table.header);
    fail(ErrorCategory::input, "{}: none of its {} columns is named '{}'{}; {} names another", file,
         table.header.size(), printable(name),
         near.empty() ? "" : fmt::format(" (did you mean '{}'?)", printable(near)), flag);
  }

  void read_csv_rows(const fs::path& file) {
    CsvTable table = read_csv(file);
    const std::size_t accession = column(
        table, columns_.accession.empty() ? kPublicAccession : columns_.accession, "--accession-col", file);
    const std::size_t report =
        column(table, columns_.report.empty() ? kPublicReport : columns_.report, "--report-col", file);
    std::size_t row = 0;
    for (std::vector<std::string>& fields : table.rows)
      add(fields[accession], std::move(fields[report]), fmt::format("{}: row {}", file.string(), ++row));
  }

  void read_json_lines(const fs::path& file) {
    for_each_object(file, [&](const Json& object, std::size_t line) {
      const bool ours = !object.contains(kPublicAccession);
      const std::string accession =
          columns_.accession.empty() ? (ours ? "sample_name" : kPublicAccession) : columns_.accession;
      const std::string report =
          columns_.report.empty() ? (ours ? "report_metadata" : kPublicReport) : columns_.report;
      const std::string place = fmt::format("{}:{}", file.string(), line);
      if (!object.contains(accession) || !object.contains(report)) {
        fail(ErrorCategory::input, "{}: no \"{}\" in it", place,
             printable(object.contains(accession) ? report : accession));
      }
      add(text_of(object, accession.c_str(), file, line), text_of(object, report.c_str(), file, line), place);
    });
  }

  void add(const std::string& accession, std::string text, const std::string& place) {
    if (is_blank(accession)) fail(ErrorCategory::input, "{}: the accession is empty", place);
    if (!is_text(accession) || accession.find_first_of("\t\r\n") != std::string::npos)
      fail(ErrorCategory::input, "{}: the accession is no line of UTF-8 text", place);
    if (!is_utf8(text)) {
      text = as_utf8(text);
      reports_.notes.add(fmt::format("{}: accession {}: bytes that are no UTF-8 are read as U+FFFD", place,
                                     printable(accession)));
    }
    const auto [first, is_new] = places_.emplace(accession, Place{place, std::hash<std::string>()(text)});
    if (!is_new) return add_again(accession, text, place, first->second);
    if (is_blank(text))
      reports_.empty.push_back({accession, place});
    else
      reports_.reports.push_back({accession, std::move(text)});
  }

  struct Place {
    std::string words;
    std::size_t text_hash;
  };
  void add_again(const std::string& accession, const std::string& text, const std::string& place,
                 const Place& first) {
    if (std::hash<std::string>()(text) != first.text_hash) {
      fail(ErrorCategory::input, "{}: accession {} again, with another report than {}", place,
           printable(accession), first.words);
    }
    reports_.notes.add(fmt::format("{}: accession {} again, with the same report as {}: it counts once",
                                   place, printable(accession), first.words));
  }

  const ReportColumns& columns_;
  RateReports reports_;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace

RateReports read_rate_reports(const std::vector<fs::path>& files, const ReportColumns& columns) {
  ReportReader reader(columns);
  for (const fs::path& file : files) reader.read(file);
  RateReports reports = reader.take();
  if (reports.reports.empty() && reports.empty.empty())
    fail(ErrorCategory::input, "{}: no report in it", files.empty() ? fs::path("(no file)") : files.front());
  return reports;
}

}  // namespace pillar
