#include "pillar/metrics/prediction_table.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::string_view kLogitEnding = ":logit", kTruthEnding = ":truth";

void check_distinct(const std::filesystem::path& file, const char* what,
                    const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) fail(ErrorCategory::input, "{}: an empty {}", file, what);
    if (!seen.insert(name).second)
      fail(ErrorCategory::input, "{}: the {} {} is there twice", file, what, printable(name));
  }
}

void check_output_names(const std::filesystem::path& file, const std::vector<std::string>& outputs) {
  check_distinct(file, "output", outputs);
  for (const std::string& output : outputs) {
    if (output == "accession" || output.ends_with(kLogitEnding) || output.ends_with(kTruthEnding))
      fail(ErrorCategory::input, "{}: an output cannot be called {}", file, printable(output));
  }
}

template <typename T>
void check_lengths(const std::vector<std::vector<T>>& lists, const PredictionTable& table) {
  const auto fits = [&](const std::vector<T>& list) { return list.size() == table.accessions.size(); };
  if (lists.size() == table.outputs.size() && std::all_of(lists.begin(), lists.end(), fits)) return;
  fail(ErrorCategory::usage, "predictions must be of {} outputs by {} studies", table.outputs.size(),
       table.accessions.size());
}

std::string number_field(const std::filesystem::path& file, double value, const std::string& accession,
                         const std::string& output) {
  if (!std::isfinite(value)) {
    fail(ErrorCategory::input, "{}: accession {}, output {}: {} is not finite", file, printable(accession),
         printable(output), value);
  }
  return fmt::format("{}", value);  // the shortest text that is read as the same double
}

struct FieldPlace {
  const std::filesystem::path& file;
  const std::string& accession;
  const std::string& column;

  [[noreturn]] void refuse(const std::string& text, const char* wanted) const {
    fail(ErrorCategory::input, "{}: accession {}, column {}: '{}' is not {}", file, printable(accession),
         printable(column), printable(text), wanted);
  }
};

double read_number(const FieldPlace& place, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    place.refuse(text, "a finite number");
  return value;
}

double read_probability(const FieldPlace& place, const std::string& text) {
  const double value = read_number(place, text);
  if (value < 0 || value > 1) place.refuse(text, "a probability from 0 to 1");
  return value;
}

std::int8_t read_truth(const FieldPlace& place, const std::string& text) {
  if (text.empty()) return -1;
  if (text != "0" && text != "1") place.refuse(text, "1, 0 or empty");
  return text == "1" ? 1 : 0;
}

template <typename T>
std::vector<T> read_column(const std::filesystem::path& file, const CsvTable& csv,
                           const std::vector<std::string>& accessions, const std::string& name,
                           T (*read)(const FieldPlace&, const std::string&)) {
  const std::size_t column = csv.column(name, file);
  std::vector<T> values;
  for (std::size_t n = 0; n < csv.rows.size(); ++n)
    values.push_back(read({file, accessions[n], name}, csv.rows[n][column]));
  return values;
}

// Names of `ours` that `theirs` lacks are an error of `file`.
void check_none_missing(const std::filesystem::path& file, const char* what,
                        const std::vector<std::string>& ours, const std::vector<std::string>& theirs,
                        const char* fault) {
  const std::set<std::string_view> there(theirs.begin(), theirs.end());
  for (const std::string& name : ours) {
    if (there.count(name) == 0)
      fail(ErrorCategory::input, "{}: {} {} {}", file, what, printable(name), fault);
  }
}

std::vector<std::size_t> places_of(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& names) {
  std::map<std::string_view, std::size_t> place_of;
  for (std::size_t i = 0; i < names.size(); ++i) place_of[names[i]] = i;
  std::vector<std::size_t> places;
  for (const std::string& name : wanted) places.push_back(place_of.at(name));
  return places;
}

template <typename T>
std::vector<std::vector<T>> rearranged(const std::vector<std::vector<T>>& table_qn,
                                       const std::vector<std::size_t>& outputs,
                                       const std::vector<std::size_t>& studies) {
  std::vector<std::vector<T>> result;
  if (table_qn.empty()) return result;
  for (const std::size_t q : outputs) {
    result.emplace_back();
    for (const std::size_t n : studies) result.back().push_back(table_qn[q][n]);
  }
  return result;
}

PredictionTable in_order_of(const PredictionTable& first, const PredictionTable& table) {
  const std::vector<std::size_t> outputs = places_of(first.outputs, table.outputs);
  const std::vector<std::size_t> studies = places_of(first.accessions, table.accessions);
  return {first.accessions, first.outputs, rearranged(table.probabilities_qn, outputs, studies),
          rearranged(table.logits_qn, outputs, studies), rearranged(table.truths_qn, outputs, studies)};
}

}  // namespace

void write_predictions(const std::filesystem::path& file, const PredictionTable& table) {
  check_distinct(file, "accession", table.accessions);
  check_output_names(file, table.outputs);
  check_lengths(table.probabilities_qn, table);
  check_lengths(table.logits_qn, table);
  const bool with_truths = !table.truths_qn.empty();
  if (with_truths) check_lengths(table.truths_qn, table);
  CsvTable csv{{"accession"}, {}};
  for (const std::string& output : table.outputs) {
    csv.header.push_back(output);
    csv.header.push_back(output + std::string(kLogitEnding));
    if (with_truths) csv.header.push_back(output + std::string(kTruthEnding));
  }
  for (std::size_t n = 0; n < table.accessions.size(); ++n) {
    std::vector<std::string> row = {table.accessions[n]};
    for (std::size_t q = 0; q < table.outputs.size(); ++q) {
      row.push_back(number_field(file, table.probabilities_qn[q][n], table.accessions[n], table.outputs[q]));
      row.push_back(number_field(file, table.logits_qn[q][n], table.accessions[n], table.outputs[q]));
      if (!with_truths) continue;
      const std::int8_t truth = table.truths_qn[q][n];
      row.push_back(truth < 0 ? "" : truth > 0 ? "1" : "0");
    }
    csv.rows.push_back(std::move(row));
  }
  write_csv(file, csv);
}

PredictionTable read_predictions(const std::filesystem::path& file) {
  const CsvTable csv = read_csv(file);
  PredictionTable table;
  const std::size_t accession = csv.column("accession", file);
  for (const std::vector<std::string>& row : csv.rows) table.accessions.push_back(row[accession]);
  check_distinct(file, "accession", table.accessions);
  bool with_truths = false;
  for (const std::string& name : csv.header) {
    with_truths = with_truths || name.ends_with(kTruthEnding);
    if (name != "accession" && !name.ends_with(kLogitEnding) && !name.ends_with(kTruthEnding))
      table.outputs.push_back(name);
  }
  if (table.outputs.empty()) fail(ErrorCategory::input, "{}: no column of an output", file);
  for (const std::string& output : table.outputs) {
    table.probabilities_qn.push_back(read_column(file, csv, table.accessions, output, read_probability));
    table.logits_qn.push_back(
        read_column(file, csv, table.accessions, output + std::string(kLogitEnding), read_number));
    if (with_truths) {
      table.truths_qn.push_back(
          read_column(file, csv, table.accessions, output + std::string(kTruthEnding), read_truth));
    }
  }
  return table;
}

std::vector<PredictionTable> read_ensemble_predictions(const std::vector<std::filesystem::path>& files) {
  std::vector<PredictionTable> members;
  for (const std::filesystem::path& file : files) {
    const PredictionTable table = read_predictions(file);
    if (members.empty()) {
      members.push_back(table);
      continue;
    }
    const PredictionTable& first = members.front();
    check_none_missing(file, "output", first.outputs, table.outputs, "of the first member is missing");
    check_none_missing(file, "output", table.outputs, first.outputs, "is not in the first member");
    check_none_missing(file, "accession", first.accessions, table.accessions,
                       "of the first member is missing");
    check_none_missing(file, "accession", table.accessions, first.accessions, "is not in the first member");
    members.push_back(in_order_of(first, table));
  }
  return members;
}

}  // namespace pillar
