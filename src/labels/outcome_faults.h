// Internal: all that is wrong with a table of outcomes, so that it is said at once.
#pragma once

#include "pillar/labels/outcomes.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

class OutcomeFaults {
 public:
  void add(std::string fault);
  // "row 12, column edema: FAULT"
  void add(std::int64_t row, std::string_view column, std::string_view fault);
  // A label that could not be read: what is then missing of its row and column is no fault of its own.
  void add_label(std::int64_t row, const std::string& column, std::string_view fault);
  bool has_label_of_row(std::int64_t row) const { return rows_.contains(row); }
  bool has_label_of_column(const std::string& column) const { return columns_.contains(column); }
  // Throws Error(input) with the first thirty faults, a line each, and the number of the others.
  void throw_if_any(const std::filesystem::path& file) const;

 private:
  std::vector<std::string> first_;
  std::int64_t count_ = 0;
  std::set<std::int64_t> rows_;
  std::set<std::string> columns_;
};

// How a message calls a study: "row 12", "series 1.2.3".
using PlaceOfStudy = std::function<std::string(const OutcomeStudy& study)>;

// What the studies of a whole table must be together: each accession once, a patient in one split, and, where
// it is for training, something to train on.
void check_studies(const OutcomeTable& table, bool for_training, const PlaceOfStudy& place,
                   OutcomeFaults& faults);

// What the labels must be together: every study has one that is known, every label has a known value and,
// among the training studies, more than one. `columns` has the names of the labels' columns.
void check_values(const OutcomeTable& table, const std::vector<std::string>& columns, bool for_training,
                  const PlaceOfStudy& place, OutcomeFaults& faults);

}  // namespace pillar
