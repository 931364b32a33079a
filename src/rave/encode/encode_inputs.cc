// From the words of a command line or the rows of a CSV to the list of scans to encode.
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/rave/encode_job.h"

#include <algorithm>

namespace pillar {
namespace {

namespace fs = std::filesystem;

void collect(const fs::path& folder, std::vector<fs::path>& found) {
  std::error_code error;
  std::vector<fs::path> subfolders;
  bool has_files = false;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      subfolders.push_back(it->path());
    } else {
      has_files = true;
    }
  }
  // An unreadable or empty folder stays in the list, so that the batch says what is wrong with it.
  if (error || has_files || subfolders.empty()) found.push_back(folder);
  std::sort(subfolders.begin(), subfolders.end());
  for (const fs::path& subfolder : subfolders) collect(subfolder, found);
}

}  // namespace

std::vector<fs::path> expand_inputs(const std::vector<fs::path>& inputs) {
  std::vector<fs::path> found;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (fs::is_directory(input, ignored)) {
      collect(input, found);
    } else {
      found.push_back(input);
    }
  }
  return found;
}

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

}  // namespace pillar
