#include "rate/audit_file.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr const char* kProviderColumn = "provider";

double weight_in(const std::string& text, const std::filesystem::path& file, std::size_t row) {
  double weight = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (fault != std::errc() || end != text.data() + text.size() || !(weight > 0) || !std::isfinite(weight))
    fail(ErrorCategory::input, "{}: row {}: the weight '{}' is not a number above 0", file, row,
         printable(text));
  return weight;
}

}  // namespace

void write_audit_table(const std::filesystem::path& folder, const AuditTable& table) {
  CsvTable csv;
  csv.header = {"query_id", "kind", "report_id", "category", "question", "predicted", "stratum", "weight"};
  if (!table.labeller.empty()) csv.header.emplace_back(kProviderColumn);
  for (const AuditQuery& query : table.queries) {
    csv.rows.push_back({query.query_id, query.kind, query.report_id, query.category, query.question,
                        query.predicted, query.stratum, fmt::format("{}", query.weight)});
    if (!table.labeller.empty()) csv.rows.back().push_back(table.labeller);
  }
  write_csv(folder / kAuditFile, csv);
}

AuditTable read_audit_table(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kAuditFile;
  const CsvTable csv = read_csv(file);
  const auto column = [&](const char* name) { return csv.column(name, file); };
  const std::size_t id = column("query_id"), kind = column("kind"), report = column("report_id"),
                    category = column("category"), question = column("question"),
                    predicted = column("predicted"), stratum = column("stratum"), weight = column("weight");
  AuditTable table;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < csv.rows.size(); ++i) {
    const std::vector<std::string>& row = csv.rows[i];
    if (!ids.insert(row[id]).second)
      fail(ErrorCategory::input, "{}: row {}: query {} again", file, i + 1, printable(row[id]));
    if (row[kind] == "question" && row[predicted] != "Yes" && row[predicted] != "No") {
      fail(ErrorCategory::input, "{}: row {}: the label '{}' is neither Yes nor No", file, i + 1,
           printable(row[predicted]));
    }
    table.queries.push_back({row[id], row[kind], row[report], row[category], row[question], row[predicted],
                             row[stratum], weight_in(row[weight], file, i + 1)});
    if (csv.header.back() == kProviderColumn) table.labeller = row.back();
  }
  return table;
}

}  // namespace pillar
