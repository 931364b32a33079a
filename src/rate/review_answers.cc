#include "rate/review_answers.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct QcFile {
  const char* name;
  std::vector<const char*> fields;
};

const std::vector<QcFile>& qc_files() {
  static const std::vector<QcFile> files = {
      {"questions_qc.csv", {"human_label"}},
      {"categories_qc.csv", {"correct"}},
      {"combined_findings_qc.csv", {"no_comparison_correct", "findings_correct"}}};
  return files;
}

bool is_review_field(const std::string& field) {
  return std::any_of(qc_files().begin(), qc_files().end(), [&](const QcFile& file) {
    return std::find(file.fields.begin(), file.fields.end(), field) != file.fields.end();
  });
}

// Unset where the cell is empty.
std::optional<ReviewAnswer> review_answer(const std::string& cell, const fs::path& file, std::size_t row) {
  std::string text;
  for (const unsigned char c : cell) {
    if (std::isspace(c) == 0) text += static_cast<char>(std::tolower(c));
  }
  if (text.empty()) return std::nullopt;
  for (const char* yes : {"yes", "y", "1", "1.0", "true"})
    if (text == yes) return ReviewAnswer::yes;
  for (const char* no : {"no", "n", "0", "0.0", "false"})
    if (text == no) return ReviewAnswer::no;
  for (const char* unsure : {"unsure", "u", "?"})
    if (text == unsure) return ReviewAnswer::unsure;
  fail(ErrorCategory::input, "{}: row {}: '{}' is no answer: yes, no or unsure", file, row,
       printable(cell, 20));
}

void take_answer(ReviewerAnswers& answers, const std::string& id, const std::string& field,
                 const std::string& cell, const std::set<std::string>& ids, const fs::path& file,
                 std::size_t row) {
  const auto answer = review_answer(cell, file, row);
  if (!answer) return;
  if (!ids.contains(id))
    fail(ErrorCategory::input, "{}: row {}: '{}' is no query of this audit", file, row, printable(id, 40));
  if (!answers.emplace(std::pair(id, field), *answer).second)
    fail(ErrorCategory::input, "{}: row {}: query {} again", file, row, printable(id, 40));
}

ReviewerAnswers read_qc_answers(const fs::path& folder, const std::set<std::string>& ids) {
  ReviewerAnswers answers;
  for (const QcFile& qc : qc_files()) {
    const fs::path file = folder / qc.name;
    if (!fs::exists(file)) continue;
    const CsvTable table = read_csv(file);
    const std::size_t id = table.column("query_id", file);
    for (const char* field : qc.fields) {
      const std::size_t column = table.column(field, file);
      for (std::size_t i = 0; i < table.rows.size(); ++i)
        take_answer(answers, table.rows[i][id], field, table.rows[i][column], ids, file, i + 1);
    }
  }
  return answers;
}

ReviewerAnswers read_page_answers(const fs::path& file, const std::set<std::string>& ids) {
  const CsvTable table = read_csv(file);
  const std::size_t id = table.column("query_id", file), field = table.column("field", file),
                    answer = table.column("answer", file);
  ReviewerAnswers answers;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    if (!is_review_field(row[field]))
      fail(ErrorCategory::input, "{}: row {}: '{}' is no field of a QC file", file, i + 1,
           printable(row[field], 40));
    take_answer(answers, row[id], row[field], row[answer], ids, file, i + 1);
  }
  return answers;
}

// Of the public engine's folder: its queries, all of the same weight.
AuditTable public_audit(const fs::path& folder, Notes& notes) {
  const fs::path file = folder / "questions_qc.csv";
  const CsvTable csv = read_csv(file);
  const std::size_t id = csv.column("query_id", file), question = csv.column("question", file),
                    predicted = csv.column("predicted_label", file);
  AuditTable table;
  for (std::size_t i = 0; i < csv.rows.size(); ++i) {
    const auto label = review_answer(csv.rows[i][predicted], file, i + 1);
    if (!label || *label == ReviewAnswer::unsure)
      fail(ErrorCategory::input, "{}: row {}: predicted_label is neither Yes nor No", file, i + 1);
    table.queries.push_back({csv.rows[i][id], "question", "", "", csv.rows[i][question],
                             *label == ReviewAnswer::yes ? "Yes" : "No", "", 1});
  }
  notes.add(
      fmt::format("{}: no {}, so that every answer weighs the same: of a sample that is half Yes, only "
                  "PPV and NPV hold for all labels",
                  folder.string(), kAuditFile));
  return table;
}

}  // namespace

ReviewedAudit read_reviewed_audit(const fs::path& folder, const std::string& folder_name, Notes& notes) {
  ReviewedAudit audit;
  audit.table = fs::exists(folder / kAuditFile) ? read_audit_table(folder) : public_audit(folder, notes);
  std::set<std::string> ids;
  for (const AuditQuery& query : audit.table.queries) ids.insert(query.query_id);
  if (ReviewerAnswers answers = read_qc_answers(folder, ids); !answers.empty())
    audit.by_reviewer[folder_name] = std::move(answers);
  std::vector<fs::path> pages;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("review-") && name.ends_with(".csv")) pages.push_back(entry.path());
  }
  std::sort(pages.begin(), pages.end());
  for (const fs::path& page : pages) {
    const std::string name = page.stem().string().substr(7);
    if (!audit.by_reviewer.emplace(name, read_page_answers(page, ids)).second)
      fail(ErrorCategory::input, "{}: {} has answered in the QC files, too", page, printable(name));
  }
  return audit;
}

}  // namespace pillar
