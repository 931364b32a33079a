#include "eval/evidence/evidence_files.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/json_place.h"
#include "core/shared/utc_now.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostRecordBytes = 1 << 20;

std::string digits(double value) {
  return fmt::format("{:.9g}", value);
}

// A table whose columns are looked up by name.
class NamedColumns {
 public:
  explicit NamedColumns(fs::path file) : file_(std::move(file)), table_(read_csv(file_)) {}
  std::size_t rows() const { return table_.rows.size(); }
  const std::string& text(std::size_t row, const char* column) const {
    return table_.rows[row][table_.column(column, file_)];
  }
  double number(std::size_t row, const char* column) const {
    return finite_cell(text(row, column), file_, row + 2, column);
  }

 private:
  fs::path file_;
  CsvTable table_;
};

}  // namespace

double finite_cell(const std::string& text, const fs::path& file, std::size_t row, const char* column) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  fail(ErrorCategory::input, "{}: row {}: the {} '{}' is no finite number", file, row, column,
       printable(text));
}

void write_evidence_rows(const fs::path& folder, const std::vector<EvidenceRow>& rows) {
  CsvTable table;
  table.header = {"accession",  "question", "probability", "logit",
                  "mean_logit", "evidence", "beside_scan", "map"};
  for (const EvidenceRow& row : rows) {
    table.rows.push_back({row.accession, row.question, digits(row.probability), digits(row.logit),
                          digits(row.mean_logit), digits(row.evidence), digits(row.beside_scan),
                          row.map.generic_string()});
  }
  write_csv(folder / "evidence.csv", table);
}

void write_place_rows(const fs::path& folder, const std::vector<PlaceRow>& rows) {
  CsvTable table;
  table.header = {"accession", "question",   "rank",     "x_mm",  "y_mm", "z_mm",
                  "value",     "mean_value", "evidence", "share", "scale"};
  for (const PlaceRow& row : rows) {
    const auto& [x, y, z] = row.point_xyz_mm;
    table.rows.push_back({row.accession, row.question, std::to_string(row.rank), fmt::format("{:.2f}", x),
                          fmt::format("{:.2f}", y), fmt::format("{:.2f}", z), digits(row.value),
                          digits(row.mean_value), digits(row.evidence), digits(row.share),
                          std::to_string(row.scale)});
  }
  write_csv(folder / "places.csv", table);
}

void write_train_rows(const fs::path& folder, const std::vector<TrainRow>& rows) {
  CsvTable table;
  table.header = {"accession", "centre_x_mm", "centre_y_mm", "centre_z_mm"};
  for (const TrainRow& row : rows) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    cells.push_back(row.accession);
    for (std::size_t axis = 0; axis < 3; ++axis)
      cells.push_back(row.centre_xyz_mm ? digits((*row.centre_xyz_mm)[axis]) : "");
  }
  write_csv(folder / "train.csv", table);
}

void write_evidence_record(const fs::path& folder, const EvidenceRecord& record) {
  const nlohmann::ordered_json json = {
      {"format", "pillar-evidence"},
      {"created", utc_now()},
      {"map", record.map},
      {"split", record.split},
      {"probe", {{"path", record.probe.path.string()}, {"sha256", record.probe.sha256}}},
      {"embeddings", record.embeddings}};
  write_file_atomic(folder / "evidence.json",
                    json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

std::vector<EvidenceRow> read_evidence_rows(const fs::path& folder) {
  const NamedColumns table(folder / "evidence.csv");
  std::vector<EvidenceRow> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({table.text(i, "accession"), table.text(i, "question"), table.number(i, "probability"),
                    table.number(i, "logit"), table.number(i, "mean_logit"), table.number(i, "evidence"),
                    table.number(i, "beside_scan"), table.text(i, "map")});
  }
  return rows;
}

std::vector<PlaceRow> read_place_rows(const fs::path& folder) {
  const NamedColumns table(folder / "places.csv");
  std::vector<PlaceRow> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    PlaceRow& row = rows.emplace_back();
    row.accession = table.text(i, "accession");
    row.question = table.text(i, "question");
    row.rank = static_cast<int>(table.number(i, "rank"));
    row.point_xyz_mm = {table.number(i, "x_mm"), table.number(i, "y_mm"), table.number(i, "z_mm")};
    row.value = table.number(i, "value");
    row.mean_value = table.number(i, "mean_value");
    row.evidence = table.number(i, "evidence");
    row.share = table.number(i, "share");
    row.scale = static_cast<std::int64_t>(table.number(i, "scale"));
  }
  return rows;
}

std::vector<TrainRow> read_train_rows(const fs::path& folder) {
  const NamedColumns table(folder / "train.csv");
  std::vector<TrainRow> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    TrainRow& row = rows.emplace_back();
    row.accession = table.text(i, "accession");
    if (table.text(i, "centre_x_mm").empty()) continue;
    row.centre_xyz_mm = {table.number(i, "centre_x_mm"), table.number(i, "centre_y_mm"),
                         table.number(i, "centre_z_mm")};
  }
  return rows;
}

EvidenceRecord read_evidence_record(const fs::path& folder) {
  const JsonPlace json = JsonPlace::read_object(folder / "evidence.json", kMostRecordBytes);
  if (json.text("format") != "pillar-evidence") json.at("format").refuse("\"pillar-evidence\"");
  EvidenceRecord record;
  record.map = json.text("map");
  record.split = json.text("split");
  record.probe.what = "probe";
  record.probe.path = json.at("probe").text("path");
  record.probe.sha256 = json.at("probe").text("sha256");
  for (const auto& [key, value] : json.at("embeddings").members()) record.embeddings[key] = value.text();
  return record;
}

}  // namespace pillar
