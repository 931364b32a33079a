#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "labels/label_readers.h"

namespace pillar {

void read_label_csv(const std::filesystem::path& file, const AnswerMap& map, AnswerReader& answers,
                    LabelTable& table) {
  const std::vector<std::string> header = read_csv_header(file);
  const std::size_t accession = CsvTable{header, {}}.column(map.accession_column, file);
  std::vector<std::string> columns = {header[accession]};
  for (const std::string& column : header) {
    if (column == header[accession] || column == kPandasIndex || map.left_out.count(column) != 0) continue;
    columns.push_back(column);
    table.questions.push_back(column);
  }
  table.categories.resize(table.questions.size());
  if (table.questions.empty())
    fail(ErrorCategory::input, "{}: no question in it: a column a question is wanted beside '{}'", file,
         printable(header[accession]));
  visit_csv(file, columns, [&](std::span<const std::string_view> fields, std::size_t line) {
    if (fields[0].empty()) fail(ErrorCategory::input, "{}:{}: the accession is empty", file, line);
    if (!table.rows.emplace(fields[0], table.answers.size()).second)
      fail(ErrorCategory::input, "{}:{}: accession {} is in it twice", file, line, printable(fields[0]));
    std::vector<std::int8_t>& row = table.answers.emplace_back();
    row.reserve(table.questions.size());
    for (std::size_t i = 1; i < fields.size(); ++i)
      row.push_back(static_cast<std::int8_t>(answers.meaning(fields[i], fields[0], columns[i])));
  });
}

}  // namespace pillar
