#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/eval/scan_predict_job.h"
#include "pillar/labels/outcomes.h"

#include <algorithm>
#include <map>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct TableColumn {
  std::string name;
  std::size_t index = 0;
};

// The first of both names that the table has.
TableColumn column_of(const CsvTable& table, const std::string& name, const std::string& other,
                      const fs::path& csv) {
  for (const std::string& one : {name, other}) {
    const auto found = std::find(table.header.begin(), table.header.end(), one);
    if (found != table.header.end()) return {one, static_cast<std::size_t>(found - table.header.begin())};
  }
  fail(ErrorCategory::input, "{}: neither a column {} nor {}", csv, name, other);
}

// The one image of a row. A cell of image_cache_path is a path as it is, image_paths may be a list.
fs::path image_of(const std::string& cell, const TableColumn& column, const fs::path& csv, std::size_t row) {
  std::vector<std::string> paths;
  if (column.name == "image_paths") {
    paths = split_image_paths(cell);
  } else if (!cell.empty()) {
    paths = {cell};
  }
  if (paths.size() != 1) {
    fail(ErrorCategory::input, "{}: row {}: column {} has {} images; a prediction is made of one", csv, row,
         column.name, paths.size());
  }
  const fs::path path = paths.front();
  return path.is_relative() ? csv.parent_path() / path : path;
}

}  // namespace

std::vector<ScanEntry> scans_of_table(const fs::path& csv) {
  const CsvTable table = read_csv(csv);
  const TableColumn name = column_of(table, "accession", "sample_name", csv);
  const TableColumn image = column_of(table, "image_paths", "image_cache_path", csv);
  std::vector<ScanEntry> scans;
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::size_t row = i + 1;  // below the header, as read_outcome_table() counts
    const std::string& accession = table.rows[i][name.index];
    if (accession.empty()) fail(ErrorCategory::input, "{}: row {}: column {} is empty", csv, row, name.name);
    const auto [first, is_new] = row_of.emplace(accession, row);
    if (!is_new) {
      fail(ErrorCategory::input, "{}: row {}: column {}: {} stands in row {} already", csv, row, name.name,
           printable(accession), first->second);
    }
    scans.push_back({image_of(table.rows[i][image.index], image, csv, row), accession});
  }
  if (scans.empty()) fail(ErrorCategory::input, "{}: no scans", csv);
  return scans;
}

}  // namespace pillar
