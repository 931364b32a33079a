// From the words of a command line or the rows of a CSV to the list of scans to encode.
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/rave/encode_job.h"

namespace pillar {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_from_csv(const fs::path& csv, const std::string& path_column) {
  const CsvTable table = read_csv(csv);
  const std::size_t column = table.column(path_column, csv);
  std::vector<fs::path> inputs;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    fs::path path = table.rows[row][column];
    if (path.empty()) fail(ErrorCategory::input, "{}: row {}: column {} is empty", csv, row + 2, path_column);
    std::error_code ignored;
    if (path.is_relative() && !fs::exists(path, ignored) && fs::exists(csv.parent_path() / path, ignored)) {
      path = csv.parent_path() / path;
    }
    inputs.push_back(std::move(path));
  }
  if (inputs.empty()) fail(ErrorCategory::input, "{}: no rows", csv);
  return inputs;
}

std::vector<std::string> names_from_csv(const fs::path& csv, const std::string& name_column) {
  const CsvTable table = read_csv(csv);
  const std::size_t column = table.column(name_column, csv);
  std::vector<std::string> names;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    names.push_back(table.rows[row][column]);
    if (names.back().empty())
      fail(ErrorCategory::input, "{}: row {}: column {} is empty", csv, row + 2, name_column);
  }
  return names;
}

}  // namespace pillar
