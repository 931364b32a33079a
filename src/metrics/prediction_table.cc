#include "pillar/metrics/prediction_table.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::string_view kAccessionColumn = "accession";

std::string logit_column(const std::string& output) {
  return output + ":logit";
}

std::string truth_column(const std::string& output) {
  return output + ":truth";
}

// "FILE: row 3, column edema".
std::string cell_place(const std::filesystem::path& file, std::size_t row, const std::string& column) {
  return fmt::format("{}: row {}, column {}", file.string(), row + 1, printable(column));
}

void check_value(double value, bool is_probability, const std::string& place) {
  if (!std::isfinite(value)) fail(ErrorCategory::input, "{}: {} is no finite number", place, value);
  if (is_probability && (value < 0 || value > 1))
    fail(ErrorCategory::input, "{}: {} is no probability from 0 to 1", place, value);
}

void check_accessions(const std::filesystem::path& file, const std::vector<std::string>& accessions) {
  std::unordered_map<std::string_view, std::size_t> rows;
  for (std::size_t n = 0; n < accessions.size(); ++n) {
    const std::string place = cell_place(file, n, std::string(kAccessionColumn));
    if (accessions[n].empty()) fail(ErrorCategory::input, "{}: no accession", place);
    const auto [first, is_new] = rows.emplace(accessions[n], n);
    if (!is_new)
      fail(ErrorCategory::input, "{}: {} stands in row {} already", place, printable(accessions[n]),
           first->second + 1);
  }
}

void check_table_shapes(const PredictionTable& table) {
  const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(table.accessions.size()),
                                             static_cast<std::int64_t>(table.outputs.size())};
  if (table.outputs.empty()) fail(ErrorCategory::usage, "a table of predictions needs at least one output");
  for (const at::Tensor* values : {&table.probabilities_no, &table.logits_no}) {
    if (!values->defined() || values->sizes() != at::IntArrayRef(shape) ||
        values->scalar_type() != at::kDouble)
      fail(ErrorCategory::usage,
           "probabilities and logits must be float64, {} studies by {} outputs of a table", shape[0],
           shape[1]);
  }
  const at::Tensor& answers = table.answers_no;
  if (answers.defined() && (answers.sizes() != at::IntArrayRef(shape) || answers.scalar_type() != at::kChar))
    fail(ErrorCategory::usage, "answers must be int8, {} studies by {} outputs of a table", shape[0],
         shape[1]);
}

double value_in(const std::string& cell, bool is_probability, const std::string& place) {
  double value = 0;
  const auto [end, fault] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (fault != std::errc() || end != cell.data() + cell.size())
    fail(ErrorCategory::input, "{}: '{}' is no finite number", place, printable(cell));
  check_value(value, is_probability, place);
  return value;
}

std::int8_t truth_in(const std::string& cell, const std::string& place) {
  if (cell.empty()) return -1;
  if (cell != "0" && cell != "1")
    fail(ErrorCategory::input, "{}: '{}' is not 1, 0 or empty", place, printable(cell));
  return cell == "1" ? 1 : 0;
}

std::string truth_cell(std::int8_t answer, const std::string& place) {
  if (answer < -1 || answer > 1)
    fail(ErrorCategory::input, "{}: the answer {} is not 1 (yes), 0 (no) or -1 (not known)", place, answer);
  return answer < 0 ? "" : fmt::format("{}", answer);
}

// The columns of one output.
std::vector<std::string> columns_of(const std::string& output, bool with_truths) {
  std::vector<std::string> columns = {output, logit_column(output)};
  if (with_truths) columns.push_back(truth_column(output));
  return columns;
}

// accession, then the columns of each output.
std::vector<std::string> header_of(const std::vector<std::string>& outputs, bool with_truths) {
  std::vector<std::string> header = {std::string(kAccessionColumn)};
  for (const std::string& output : outputs) {
    if (output.ends_with(logit_column("")) || output.ends_with(truth_column("")))
      fail(ErrorCategory::usage, "the output {} of a table of predictions is named like a column beside one",
           printable(output));
    const std::vector<std::string> columns = columns_of(output, with_truths);
    header.insert(header.end(), columns.begin(), columns.end());
  }
  return header;
}

struct PredictionColumns {
  std::vector<std::string> outputs;
  bool with_truths = false;
};

PredictionColumns columns_of_header(const std::vector<std::string>& header,
                                    const std::filesystem::path& file) {
  if (header.front() != kAccessionColumn)
    fail(ErrorCategory::input, "{}: the first column must be {}, not {}", file, kAccessionColumn,
         printable(header.front()));
  if (header.size() == 1) fail(ErrorCategory::input, "{}: no outputs beside the accessions", file);
  PredictionColumns columns;
  columns.with_truths = header.size() > 3 && header[3] == truth_column(header[1]);
  for (std::size_t c = 1; c < header.size();) {
    columns.outputs.push_back(header[c]);
    for (const std::string& column : columns_of(header[c], columns.with_truths)) {
      if (c == header.size() || header[c] != column)
        fail(ErrorCategory::input, "{}: the column {} is missing after the column {}", file,
             printable(column), printable(header[c - 1]));
      ++c;
    }
  }
  return columns;
}

// Where each of `names` is in `there`; throws where one list has a name that the other has not.
at::Tensor places_of(const std::vector<std::string>& names, const std::vector<std::string>& there,
                     const char* what, const std::string& one, const std::string& other) {
  std::unordered_map<std::string_view, std::int64_t> places;
  for (std::size_t i = 0; i < there.size(); ++i) places.emplace(there[i], static_cast<std::int64_t>(i));
  std::vector<std::int64_t> found;
  for (const std::string& name : names) {
    const auto place = places.find(name);
    if (place == places.end())
      fail(ErrorCategory::input, "{} and {} are no ensemble: only the first has the {} {}", one, other, what,
           printable(name));
    found.push_back(place->second);
    places.erase(place);
  }
  if (!places.empty())
    fail(ErrorCategory::input, "{} and {} are no ensemble: only the second has the {} {}", one, other, what,
         printable(places.begin()->first));
  return at::tensor(found, at::kLong);
}

}  // namespace

void write_prediction_table(const std::filesystem::path& file, const PredictionTable& table) {
  check_table_shapes(table);
  check_accessions(file, table.accessions);
  const bool with_truths = table.answers_no.defined();
  CsvTable csv{header_of(table.outputs, with_truths), {}};
  const at::Tensor probabilities_no = table.probabilities_no.to(at::kCPU).contiguous();
  const at::Tensor logits_no = table.logits_no.to(at::kCPU).contiguous();
  const at::Tensor answers_no = with_truths ? table.answers_no.to(at::kCPU).contiguous() : at::Tensor();
  const auto* probability = probabilities_no.const_data_ptr<double>();
  const auto* logit = logits_no.const_data_ptr<double>();
  const auto* answer = with_truths ? answers_no.const_data_ptr<std::int8_t>() : nullptr;
  for (std::size_t n = 0; n < table.accessions.size(); ++n) {
    std::vector<std::string>& row = csv.rows.emplace_back();
    row.push_back(table.accessions[n]);
    for (const std::string& output : table.outputs) {
      check_value(*probability, true, cell_place(file, n, output));
      check_value(*logit, false, cell_place(file, n, logit_column(output)));
      row.push_back(fmt::format("{}", *probability++));
      row.push_back(fmt::format("{}", *logit++));
      if (with_truths) row.push_back(truth_cell(*answer++, cell_place(file, n, truth_column(output))));
    }
  }
  write_csv(file, csv);
}

PredictionTable read_prediction_table(const std::filesystem::path& file) {
  const CsvTable csv = read_csv(file);
  const auto [names, with_truths] = columns_of_header(csv.header, file);
  PredictionTable table;
  table.outputs = names;
  for (const std::vector<std::string>& row : csv.rows) table.accessions.push_back(row.front());
  check_accessions(file, table.accessions);
  const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(csv.rows.size()),
                                             static_cast<std::int64_t>(names.size())};
  table.probabilities_no = at::empty(shape, at::kDouble);
  table.logits_no = at::empty(shape, at::kDouble);
  if (with_truths) table.answers_no = at::empty(shape, at::kChar);
  auto* probability = table.probabilities_no.mutable_data_ptr<double>();
  auto* logit = table.logits_no.mutable_data_ptr<double>();
  auto* answer = with_truths ? table.answers_no.mutable_data_ptr<std::int8_t>() : nullptr;
  for (std::size_t n = 0; n < csv.rows.size(); ++n) {
    const auto place = [&](std::size_t column) { return cell_place(file, n, csv.header[column]); };
    for (std::size_t c = 1; c < csv.header.size(); c += with_truths ? 3 : 2) {
      *probability++ = value_in(csv.rows[n][c], true, place(c));
      *logit++ = value_in(csv.rows[n][c + 1], false, place(c + 1));
      if (with_truths) *answer++ = truth_in(csv.rows[n][c + 2], place(c + 2));
    }
  }
  return table;
}

PredictionTable average_predictions(std::span<const EnsembleMember> members, const PredictionLink& link) {
  if (members.empty()) fail(ErrorCategory::usage, "an ensemble needs at least one member");
  PredictionTable mean = members.front().predictions;
  check_table_shapes(mean);
  mean.probabilities_no = at::zeros_like(mean.probabilities_no);
  mean.logits_no = at::zeros_like(mean.logits_no);
  for (const EnsembleMember& member : members) {
    const PredictionTable& own = member.predictions;
    check_table_shapes(own);
    const std::string& first = members.front().name;
    const at::Tensor columns = places_of(mean.outputs, own.outputs, "output", first, member.name);
    const at::Tensor rows = places_of(mean.accessions, own.accessions, "study", first, member.name);
    mean.probabilities_no += own.probabilities_no.index_select(0, rows).index_select(1, columns);
    mean.logits_no += own.logits_no.index_select(0, rows).index_select(1, columns);
  }
  mean.probabilities_no /= static_cast<double>(members.size());
  mean.logits_no /= static_cast<double>(members.size());
  if (link) mean.probabilities_no = link(mean.logits_no);
  check_table_shapes(mean);
  return mean;
}

}  // namespace pillar
