#include "pillar/labels/outcomes.h"

#include "pillar/core/config.h"
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "labels/outcome_cells.h"
#include "labels/outcome_faults.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostClasses = 1000;
constexpr std::int64_t kMostYears = 100;

void check_columns(const OutcomeColumns& columns) {
  const std::set<std::string> labels(columns.labels.begin(), columns.labels.end());
  const std::set<std::string> classes(columns.classes.begin(), columns.classes.end());
  if (columns.kind == OutcomeKind::multilabel && labels.empty())
    fail(ErrorCategory::usage, "multilabel outcomes: no label column is named");
  if (columns.kind == OutcomeKind::multiclass && columns.labels.size() != 1)
    fail(ErrorCategory::usage, "multiclass outcomes: {} label columns are named, not one",
         columns.labels.size());
  if (columns.kind == OutcomeKind::survival && !labels.empty())
    fail(ErrorCategory::usage, "survival outcomes have the columns of event and time, no labels");
  if (labels.size() != columns.labels.size())
    fail(ErrorCategory::usage, "label columns: one of {} is named twice", joined(columns.labels, ", "));
  if (classes.size() != columns.classes.size() || columns.classes.size() == 1)
    fail(ErrorCategory::usage, "classes: {}: two or more different ones are wanted",
         joined(columns.classes, ", "));
  if (!columns.classes.empty() && columns.kind != OutcomeKind::multiclass)
    fail(ErrorCategory::usage, "classes are named for {} outcomes", to_string(columns.kind));
  if (columns.kind == OutcomeKind::survival && (columns.horizon < 1 || columns.horizon > kMostYears))
    fail(ErrorCategory::usage, "a horizon of {} years: 1 to {}", columns.horizon, kMostYears);
}

std::vector<std::string> label_columns(const OutcomeColumns& columns) {
  if (columns.kind == OutcomeKind::survival) return {columns.event, columns.time};
  return columns.labels;
}

std::vector<std::string> year_names(std::int64_t horizon) {
  std::vector<std::string> years;
  for (std::int64_t year = 1; year <= horizon; ++year) years.push_back(fmt::format("year {}", year));
  return years;
}

// Classes as their cells say them: by number where all are numbers, else by bytes.
std::vector<std::string> sorted_classes(const std::set<std::string>& met) {
  std::vector<std::string> classes(met.begin(), met.end());
  if (std::all_of(classes.begin(), classes.end(), [](const auto& text) { return number_in(text); })) {
    std::stable_sort(classes.begin(), classes.end(), [](const std::string& a, const std::string& b) {
      return *number_in(a) < *number_in(b);
    });
  }
  return classes;
}

// "1" for "1.0": a column of whole numbers with a gap is written so.
std::string class_text(std::string_view cell) {
  const std::string_view text = trimmed(cell);
  const std::optional<std::int64_t> whole = text.find('.') == text.npos ? std::nullopt : whole_in(text);
  return whole ? fmt::format("{}", *whole) : std::string(text);
}

class OutcomeReader {
 public:
  OutcomeReader(const fs::path& file, const OutcomeColumns& columns, const PatientTable& patients)
      : columns_(columns), patients_(patients), names_(label_columns(columns)), csv_(read_csv(file)) {
    table_.file = file;
    table_.kind = columns.kind;
    if (columns.kind == OutcomeKind::multilabel) table_.outputs = columns.labels;
    if (columns.kind == OutcomeKind::multiclass) table_.outputs = columns.classes;
    if (columns.kind == OutcomeKind::survival) table_.outputs = year_names(columns.horizon);
  }

  OutcomeTable read() {
    find_columns();
    for (std::size_t i = 0; i < csv_.rows.size(); ++i)
      read_row(csv_.rows[i], static_cast<std::int64_t>(i) + 1);
    if (columns_.kind == OutcomeKind::multiclass) number_classes();
    fill_values();
    const PlaceOfStudy place = [](const OutcomeStudy& study) { return fmt::format("row {}", study.row); };
    check_studies(table_, columns_.for_training && split_, place, faults_);
    if (are_labels_there_) check_values(table_, names_, columns_.for_training && split_, place, faults_);
    faults_.throw_if_any(table_.file);
    return std::move(table_);
  }

 private:
  using Row = std::vector<std::string>;
  using Place = std::optional<std::size_t>;  // of a column

  Place find(const std::string& name, bool is_needed) {
    const auto found = std::find(csv_.header.begin(), csv_.header.end(), name);
    if (found != csv_.header.end()) return static_cast<std::size_t>(found - csv_.header.begin());
    if (!is_needed) return {};
    const std::string near = nearest_name(name, csv_.header);
    faults_.add(fmt::format("no column '{}'{}", printable(name),
                            near.empty() ? "" : fmt::format(" (did you mean '{}'?)", printable(near))));
    return {};
  }

  // A column that may be absent is wanted all the same where the caller gave it a name of its own.
  void find_columns() {
    const OutcomeColumns usual;
    accession_ = find(columns_.accession, true);
    image_ = find(columns_.image, true);
    split_ = find(columns_.split, true);
    mask_ = find(columns_.mask, columns_.mask != usual.mask);
    boxes_ = find(columns_.boxes, columns_.boxes != usual.boxes);
    patient_ = find(columns_.patient, columns_.patient != usual.patient);
    for (const std::string& name : names_) {
      labels_.push_back(find(name, true));
      are_labels_there_ = are_labels_there_ && labels_.back();
    }
  }

  void read_row(const Row& row, std::int64_t number) {
    OutcomeStudy& study = table_.studies.emplace_back();
    study.row = number;
    if (accession_) study.accession = trimmed(row[*accession_]);
    if (accession_ && study.accession.empty()) faults_.add(number, columns_.accession, "is empty");
    read_split(row, study);
    read_paths(row, study);
    read_patient(row, study);
    if (columns_.kind == OutcomeKind::multilabel) read_findings(row, number);
    if (columns_.kind == OutcomeKind::multiclass) read_class(row, number);
    if (columns_.kind == OutcomeKind::survival) read_survival(row, number);
  }

  void read_split(const Row& row, OutcomeStudy& study) {
    if (!split_) return;
    const std::optional<OutcomeSplit> split = split_in(row[*split_]);
    if (split) {
      study.split = *split;
    } else {
      faults_.add(study.row, columns_.split,
                  fmt::format("'{}' is neither train, dev nor test", printable(row[*split_])));
    }
  }

  fs::path existing(std::int64_t row, const std::string& column, const std::string& cell) {
    const fs::path path = table_.file.parent_path() / cell;  // an absolute one stays as it is
    std::error_code unreadable;
    if (!fs::exists(path, unreadable))
      faults_.add(row, column, fmt::format("{} does not exist", printable(path.string(), 300)));
    return path;
  }

  void read_paths(const Row& row, OutcomeStudy& study) {
    if (image_) {
      const std::vector<std::string> images = split_image_paths(row[*image_]);
      if (images.empty()) faults_.add(study.row, columns_.image, "is empty");
      if (images.size() > 1)
        faults_.add(study.row, columns_.image, fmt::format("{} images, not one", images.size()));
      if (images.size() == 1) study.image = existing(study.row, columns_.image, images.front());
    }
    if (mask_ && !is_unknown(row[*mask_]))
      study.mask = existing(study.row, columns_.mask, std::string(trimmed(row[*mask_])));
    if (boxes_ && !is_unknown(row[*boxes_])) {
      const std::optional<std::vector<VoxelBox>> boxes = boxes_in(row[*boxes_]);
      if (boxes) {
        study.boxes = *boxes;
      } else {
        faults_.add(
            study.row, columns_.boxes,
            fmt::format("{} is no JSON list of boxes [d0,h0,w0,d1,h1,w1], whole numbers from 0 on, each "
                        "first below its end",
                        printable(row[*boxes_])));
      }
    }
  }

  void read_patient(const Row& row, OutcomeStudy& study) {
    if (patient_ && !is_unknown(row[*patient_])) study.patient = trimmed(row[*patient_]);
    if (!study.patient.empty() || patients_.patient_of.empty() || study.accession.empty()) return;
    const auto found = patients_.patient_of.find(study.accession);
    if (found != patients_.patient_of.end()) {
      study.patient = found->second;
    } else {
      faults_.add(
          study.row, columns_.accession,
          fmt::format("{} has no patient in {}", printable(study.accession), patients_.file.string()));
    }
  }

  void read_findings(const Row& row, std::int64_t number) {
    for (std::size_t c = 0; c < labels_.size(); ++c) {
      float value = std::numeric_limits<float>::quiet_NaN();
      if (labels_[c] && !is_unknown(row[*labels_[c]])) {
        const std::string& cell = row[*labels_[c]];
        const std::optional<double> read = number_in(cell);
        if (read == 0 || read == 1)
          value = static_cast<float>(*read);
        else
          faults_.add_label(number, names_[c], fmt::format("{} is neither 0, 1 nor empty", printable(cell)));
      }
      findings_.push_back(value);
    }
  }

  void read_class(const Row& row, std::int64_t number) {
    std::string& text = class_of_.emplace_back();
    if (!labels_.front() || is_unknown(row[*labels_.front()])) return;
    text = class_text(row[*labels_.front()]);
    const std::vector<std::string>& named = columns_.classes;
    if (named.empty() || std::find(named.begin(), named.end(), text) != named.end()) return;
    // A class may be named as the cell is written, though it looks like a number.
    const std::string written(trimmed(row[*labels_.front()]));
    if (std::find(named.begin(), named.end(), written) != named.end()) {
      text = written;
      return;
    }
    faults_.add_label(
        number, names_.front(),
        fmt::format("{} is none of the classes {}", printable(written), printable(joined(named, ", "), 300)));
    text.clear();
  }

  void number_classes() {
    if (columns_.classes.empty()) {
      std::set<std::string> met(class_of_.begin(), class_of_.end());
      met.erase("");
      if (met.size() > kMostClasses) {
        faults_.add(fmt::format("column {}: {} different values; at most {} classes",
                                printable(names_.front()), met.size(), kMostClasses));
      }
      table_.outputs = sorted_classes(met);
    }
    for (const std::string& text : class_of_) {
      const auto found = std::find(table_.outputs.begin(), table_.outputs.end(), text);
      numbers_.push_back(text.empty() ? -1 : found - table_.outputs.begin());
    }
  }

  void read_survival(const Row& row, std::int64_t number) {
    std::int64_t event = -1, time = -1;
    if (labels_[0]) {
      const std::string& cell = row[*labels_[0]];
      event = whole_in(cell).value_or(-1);
      if (event != 0 && event != 1) {
        faults_.add_label(number, names_[0], fmt::format("'{}' is neither 0 nor 1", printable(cell)));
        event = -1;
      }
    }
    if (labels_[1]) {
      const std::string& cell = row[*labels_[1]];
      const std::string fault = fault_of_time(cell);
      if (fault.empty())
        time = *whole_in(cell);
      else
        faults_.add_label(number, names_[1], fault);
    }
    numbers_.push_back(event);
    numbers_.push_back(time);
  }

  std::string fault_of_time(const std::string& cell) const {
    const std::optional<double> number = number_in(cell);
    if (!number) return fmt::format("'{}' is no number of years", printable(cell));
    if (*number < 0) return fmt::format("{} is negative", printable(cell));
    if (*number >= static_cast<double>(columns_.horizon)) {
      return fmt::format("{} is at or above the horizon of {} years: the last year is {}", printable(cell),
                         columns_.horizon, columns_.horizon - 1);
    }
    if (*number != std::floor(*number)) return fmt::format("{} is no whole number of years", printable(cell));
    return {};
  }

  void fill_values() {
    const std::int64_t studies = std::ssize(table_.studies);
    if (columns_.kind == OutcomeKind::multilabel) {
      table_.values = at::empty({studies, std::ssize(names_)}, at::kFloat);
      std::copy(findings_.begin(), findings_.end(), table_.values.mutable_data_ptr<float>());
      return;
    }
    table_.values = columns_.kind == OutcomeKind::survival ? at::empty({studies, 2}, at::kLong)
                                                           : at::empty({studies}, at::kLong);
    std::copy(numbers_.begin(), numbers_.end(), table_.values.mutable_data_ptr<std::int64_t>());
  }

  const OutcomeColumns& columns_;
  const PatientTable& patients_;
  const std::vector<std::string> names_;  // of the labels' columns
  const CsvTable csv_;
  Place accession_, image_, split_, mask_, boxes_, patient_;
  std::vector<Place> labels_;
  bool are_labels_there_ = true;
  std::vector<float> findings_;        // (N, labels), row by row
  std::vector<std::string> class_of_;  // (N); empty: unknown
  std::vector<std::int64_t> numbers_;  // (N) classes, or (N, 2) events and times
  OutcomeTable table_;
  OutcomeFaults faults_;
};

}  // namespace

const char* to_string(OutcomeKind kind) noexcept {
  switch (kind) {
    case OutcomeKind::multilabel:
      return "multilabel";
    case OutcomeKind::multiclass:
      return "multiclass";
    case OutcomeKind::survival:
      return "survival";
  }
  return "";
}

OutcomeKind parse_outcome_kind(std::string_view text) {
  std::vector<std::string> names;
  for (const OutcomeKind kind : {OutcomeKind::multilabel, OutcomeKind::multiclass, OutcomeKind::survival}) {
    if (text == to_string(kind)) return kind;
    names.emplace_back(to_string(kind));
  }
  const std::string near = nearest_name(text, names);
  fail(ErrorCategory::usage, "unknown kind of outcome '{}'{}; there are: {}", printable(text),
       near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near), joined(names, ", "));
}

const char* to_string(OutcomeSplit split) noexcept {
  switch (split) {
    case OutcomeSplit::train:
      return "train";
    case OutcomeSplit::dev:
      return "dev";
    case OutcomeSplit::test:
      return "test";
  }
  return "";
}

OutcomeTable read_outcome_table(const fs::path& csv, const OutcomeColumns& columns,
                                const PatientTable& patients) {
  check_columns(columns);
  return OutcomeReader(csv, columns, patients).read();
}

}  // namespace pillar
