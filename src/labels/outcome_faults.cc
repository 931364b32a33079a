#include "labels/outcome_faults.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::size_t kShownFaults = 30;

// How often each value stands in a label's column: of all studies, and of the training studies.
struct ValueCounts {
  std::map<std::int64_t, std::int64_t> all, training;
};

// Multilabel: one of each column; multiclass: of the class; survival: of the event.
std::vector<ValueCounts> count_values(const OutcomeTable& table) {
  const bool multilabel = table.kind == OutcomeKind::multilabel;
  std::vector<ValueCounts> counts(multilabel ? table.outputs.size() : 1);
  const auto add = [&](std::size_t column, std::size_t study, std::int64_t value) {
    ++counts[column].all[value];
    if (table.studies[study].split == OutcomeSplit::train) ++counts[column].training[value];
  };
  const std::size_t step = multilabel ? counts.size() : table.kind == OutcomeKind::survival ? 2 : 1;
  for (std::size_t n = 0; n < table.studies.size(); ++n) {
    if (!multilabel) {
      const std::int64_t value = table.values.const_data_ptr<std::int64_t>()[n * step];
      if (value >= 0) add(0, n, value);
      continue;
    }
    const float* row = table.values.const_data_ptr<float>() + n * step;
    for (std::size_t c = 0; c < step; ++c) {
      if (!std::isnan(row[c])) add(c, n, static_cast<std::int64_t>(row[c]));
    }
  }
  return counts;
}

bool has_known_value(const OutcomeTable& table, std::size_t study) {
  if (table.kind == OutcomeKind::multiclass) return table.values.const_data_ptr<std::int64_t>()[study] >= 0;
  if (table.kind == OutcomeKind::survival) return table.values.const_data_ptr<std::int64_t>()[2 * study] >= 0;
  const std::size_t labels = table.outputs.size();
  const float* row = table.values.const_data_ptr<float>() + study * labels;
  for (std::size_t c = 0; c < labels; ++c) {
    if (!std::isnan(row[c])) return true;
  }
  return false;
}

std::string text_of_value(const OutcomeTable& table, std::int64_t value) {
  return table.kind == OutcomeKind::multiclass ? table.outputs[static_cast<std::size_t>(value)]
                                               : fmt::format("{}", value);
}

// Empty where the column can be learned from.
std::string fault_of_column(const OutcomeTable& table, const ValueCounts& counts, bool for_training) {
  if (counts.all.empty()) return "no study has a known value";
  if (!for_training) return {};
  if (counts.training.empty()) return "no training study has a known value";
  if (counts.training.size() > 1) return {};
  const auto [value, count] = *counts.training.begin();
  return fmt::format("all {} known values of training studies are {}: nothing can be told apart", count,
                     printable(text_of_value(table, value)));
}

}  // namespace

void OutcomeFaults::add(std::string fault) {
  ++count_;
  if (first_.size() < kShownFaults) first_.push_back(std::move(fault));
}

void OutcomeFaults::add(std::int64_t row, std::string_view column, std::string_view fault) {
  add(fmt::format("row {}, column {}: {}", row, printable(column), fault));
}

void OutcomeFaults::add_label(std::int64_t row, const std::string& column, std::string_view fault) {
  add(row, column, fault);
  rows_.insert(row);
  columns_.insert(column);
}

void OutcomeFaults::throw_if_any(const std::filesystem::path& file) const {
  if (count_ == 0) return;
  std::string lines;
  for (const std::string& fault : first_) lines += "\n  " + fault;
  const std::int64_t others = count_ - std::ssize(first_);
  if (others > 0) lines += fmt::format("\n  and {} more", others);
  fail(ErrorCategory::input, "{}: {} in the table of outcomes:{}", file,
       count_ == 1 ? "a fault" : fmt::format("{} faults", count_), lines);
}

void check_studies(const OutcomeTable& table, bool for_training, const PlaceOfStudy& place,
                   OutcomeFaults& faults) {
  std::unordered_map<std::string_view, const OutcomeStudy*> of_accession, of_patient;
  bool is_training = false;
  for (const OutcomeStudy& study : table.studies) {
    is_training = is_training || study.split == OutcomeSplit::train;
    const auto [same, is_new] = of_accession.emplace(study.accession, &study);
    if (!is_new && !study.accession.empty()) {
      faults.add(fmt::format("{}: the accession {} stands in {} already", place(study),
                             printable(study.accession), place(*same->second)));
    }
    if (study.patient.empty()) continue;
    const OutcomeStudy& first = *of_patient.emplace(study.patient, &study).first->second;
    if (first.split != study.split) {
      faults.add(fmt::format("{}: the patient {} is in two splits: {} is {}, {} ({}) is {}", place(study),
                             printable(study.patient), printable(study.accession), to_string(study.split),
                             printable(first.accession), place(first), to_string(first.split)));
    }
  }
  if (for_training && !is_training) faults.add("no study is in the split train");
}

void check_values(const OutcomeTable& table, const std::vector<std::string>& columns, bool for_training,
                  const PlaceOfStudy& place, OutcomeFaults& faults) {
  for (std::size_t n = 0; n < table.studies.size(); ++n) {
    const OutcomeStudy& study = table.studies[n];
    if (has_known_value(table, n) || faults.has_label_of_row(study.row)) continue;
    faults.add(
        fmt::format("{}: none of the labels of {} is known", place(study), printable(study.accession)));
  }
  const std::vector<ValueCounts> counts = count_values(table);
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (faults.has_label_of_column(columns[c])) continue;
    const std::string fault = fault_of_column(table, counts[c], for_training);
    if (!fault.empty()) faults.add(fmt::format("column {}: {}", printable(columns[c]), fault));
  }
}

}  // namespace pillar
