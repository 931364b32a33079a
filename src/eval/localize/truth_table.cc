#include "eval/localize/truth_table.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/image/volume_file.h"

#include "core/shared/json_place.h"
#include "eval/evidence/evidence_files.h"

#include <algorithm>
#include <sstream>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostNamesBytes = 1 << 20;

TruthKind parse_kind(const std::string& text, const fs::path& file, std::size_t row) {
  if (text == "mask") return TruthKind::mask;
  if (text == "labels") return TruthKind::labels;
  if (text == "box") return TruthKind::box;
  if (text == "point") return TruthKind::point;
  fail(ErrorCategory::input, "{}: row {}: the kind '{}' is not mask, labels, box or point", file, row,
       printable(text));
}

std::array<double, 6> parse_corners(const std::string& text, TruthKind kind, const fs::path& file,
                                    std::size_t row) {
  std::istringstream words(text);
  std::vector<double> numbers;
  for (std::string word; words >> word;) numbers.push_back(finite_cell(word, file, row, "coordinates_mm"));
  const std::size_t wanted = kind == TruthKind::box ? 6 : 3;
  if (numbers.size() != wanted)
    fail(ErrorCategory::input, "{}: row {}: coordinates_mm has {} numbers, a {} has {}", file, row,
         numbers.size(), kind == TruthKind::box ? "box" : "point", wanted);
  if (kind == TruthKind::point) numbers.insert(numbers.end(), numbers.begin(), numbers.begin() + 3);
  std::array<double, 6> corners;
  std::copy(numbers.begin(), numbers.end(), corners.begin());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (corners[axis] > corners[axis + 3])
      fail(ErrorCategory::input, "{}: row {}: the box's corner {} mm lies above {} mm", file, row,
           corners[axis], corners[axis + 3]);
  }
  return corners;
}

std::map<std::string, std::int64_t> read_label_names(const fs::path& file) {
  std::map<std::string, std::int64_t> values;
  if (file.empty()) return values;
  for (const auto& [name, value] : JsonPlace::read_object(file, kMostNamesBytes).members())
    values[name] = value.whole();
  return values;
}

}  // namespace

TruthTable::TruthTable(const fs::path& csv, const fs::path& label_names) : file_(csv) {
  const CsvTable table = read_csv(csv);
  const std::map<std::string, std::int64_t> values = read_label_names(label_names);
  const std::size_t accession = table.column("accession", csv), question = table.column("question", csv),
                    kind = table.column("kind", csv), path = table.column("path", csv),
                    coordinates = table.column("coordinates_mm", csv);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    MarkedFinding finding;
    finding.row = i + 2;
    finding.kind = parse_kind(row[kind], csv, finding.row);
    if (row[accession].empty() || row[question].empty())
      fail(ErrorCategory::input, "{}: row {}: no accession or no question", csv, finding.row);
    if (finding.kind == TruthKind::box || finding.kind == TruthKind::point) {
      finding.box_xyz_mm = parse_corners(row[coordinates], finding.kind, csv, finding.row);
    } else if (row[path].empty()) {
      fail(ErrorCategory::input, "{}: row {}: no path of a {}", csv, finding.row, row[kind]);
    } else {
      finding.path = csv.parent_path() / row[path];
    }
    if (finding.kind == TruthKind::labels) {
      const auto value = values.find(row[question]);
      if (value == values.end())
        fail(ErrorCategory::input, "{}: row {}: {} does not say which label is '{}'", csv, finding.row,
             label_names.empty() ? std::string("no file of label names") : label_names.string(),
             printable(row[question]));
      finding.value = value->second;
    }
    findings_[{row[accession], row[question]}].push_back(finding);
  }
}

const std::vector<MarkedFinding>& TruthTable::of(const std::string& accession,
                                                 const std::string& question) const {
  static const std::vector<MarkedFinding> kNone;
  const auto found = findings_.find({accession, question});
  return found == findings_.end() ? kNone : found->second;
}

std::optional<Grid> grid_of_finding(const MarkedFinding& finding) {
  if (finding.path.empty()) return std::nullopt;
  return read_volume_grid(finding.path);
}

}  // namespace pillar
