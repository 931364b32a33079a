#include "pillar/labels/nlst.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/json_nan.h"
#include "labels/outcome_cells.h"
#include "labels/outcome_faults.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using NlstJson = nlohmann::json;

constexpr std::uint64_t kMostSplitBytes = 1 << 28;
constexpr double kDaysOfYear = 365;

// Keys of the patient's file by where the cancer was: hilum, lobes, main stem bronchus, lingula; and others.
constexpr std::array<const char*, 5> kRightKeys = {"locrhil", "locrlow", "locrmid", "locrmsb", "locrup"};
constexpr std::array<const char*, 5> kLeftKeys = {"loclhil", "loclin", "locllow", "loclmsb", "loclup"};
constexpr std::array<const char*, 4> kOtherKeys = {"loccar", "locmed", "locoth", "locunk"};

// A value that stands alone or, as pandas writes it, in a list of one; null where there is none.
const NlstJson& value_at(const NlstJson& object, const std::string& key) {
  static const NlstJson none;
  const auto found = object.find(key);
  if (found == object.end()) return none;
  if (!found->is_array()) return *found;
  return found->empty() ? none : found->front();
}

// NaN where it is no number.
double nlst_number(const NlstJson& object, const std::string& key) {
  const NlstJson& value = value_at(object, key);
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return number_in(value.get_ref<const std::string&>()).value_or(NAN);
  return NAN;
}

std::string nlst_text(const NlstJson& object, const std::string& key) {
  const NlstJson& value = value_at(object, key);
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? value.dump() : std::string();
}

template <std::size_t N>
float any_above_zero(const NlstJson& metadata, const std::array<const char*, N>& keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const char* key) { return nlst_number(metadata, key) > 0; })
             ? 1.0F
             : 0.0F;
}

struct NlstOutcome {
  std::int64_t event = 0, year = 0;
};

// None where follow-up is missing or the time is negative.
std::optional<NlstOutcome> outcome_of(const NlstJson& metadata, std::int64_t timepoint,
                                      std::int64_t horizon) {
  const double scanned = nlst_number(metadata, fmt::format("scr_days{}", timepoint));
  const double cancer = nlst_number(metadata, "candx_days"), followed = nlst_number(metadata, "fup_days");
  if (!(scanned > -1) || !(cancer > -1 || followed > -1)) return {};
  const double years_to_cancer = cancer > -1 ? std::floor((cancer - scanned) / kDaysOfYear) : HUGE_VAL;
  const bool event = years_to_cancer < static_cast<double>(horizon);
  const double year =
      event ? years_to_cancer
            : std::min(std::floor((followed - scanned) / kDaysOfYear), static_cast<double>(horizon - 1));
  if (!(year >= 0)) return {};
  return NlstOutcome{event ? 1 : 0, static_cast<std::int64_t>(year)};
}

bool is_localizer(const NlstJson& series_data) {
  const std::string type = nlst_text(series_data, "imagetype");
  return nlst_number(series_data, "imageclass") == 0 || type.find("LOCALIZER") != std::string::npos ||
         type.find("TOP") != std::string::npos;
}

// The last parts of source_path.
std::set<std::string> series_of_cache(const fs::path& samples) {
  std::set<std::string> series;
  visit_csv(samples / "mapping.csv", {"source_path"},
            [&](std::span<const std::string_view> fields, std::size_t) {
              fs::path source = trimmed(fields[0]);
              if (!source.has_filename()) source = source.parent_path();
              series.insert(source.filename().string());
            });
  return series;
}

std::optional<std::set<std::string>> google_series(const fs::path& file) {
  if (file.empty()) return {};
  const NlstJson list = NlstJson::parse(read_text_file(file, kMostSplitBytes), nullptr, false);
  std::set<std::string> series;
  for (const NlstJson& uid : list.is_array() ? list : NlstJson::array({nullptr})) {
    if (!uid.is_string()) fail(ErrorCategory::input, "{}: no JSON list of series UIDs", file);
    series.insert(uid.get<std::string>());
  }
  return series;
}

class NlstReader {
 public:
  NlstReader(const fs::path& file, const NlstOptions& options)
      : options_(options),
        cached_(series_of_cache(options.samples)),
        google_(google_series(options.google_test)) {
    read_.table.file = file;
    read_.table.kind = OutcomeKind::survival;
    for (std::int64_t year = 1; year <= options.horizon; ++year)
      read_.table.outputs.push_back(fmt::format("year {}", year));
  }

  NlstTable read() {
    parse();
    OutcomeTable& table = read_.table;
    table.values = at::empty({std::ssize(table.studies), 2}, at::kLong);
    std::copy(values_.begin(), values_.end(), table.values.mutable_data_ptr<std::int64_t>());
    const PlaceOfStudy place = [](const OutcomeStudy& study) {
      return fmt::format("series {}", printable(study.accession));
    };
    check_studies(table, options_.for_training, place, faults_);
    check_values(table, {"cancer"}, options_.for_training, place, faults_);
    faults_.throw_if_any(table.file);
    for (const auto& [reason, count] : left_out_)
      read_.notes.add(fmt::format("{}: {} series left out: {}", table.file.string(), count, reason));
    return std::move(read_);
  }

 private:
  // Patients are let go as soon as they are read; the list itself stays empty.
  void parse() {
    const fs::path& file = read_.table.file;
    const MappedFile mapped(file);
    const ByteView bytes = mapped.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto visit = [&](int depth, NlstJson::parse_event_t event, NlstJson& parsed) {
      using Event = NlstJson::parse_event_t;
      if (depth == 0 && (event == Event::object_start || event == Event::value))
        fail(ErrorCategory::input, "{}: not a JSON list of patients", file);
      if (depth != 1 || event == Event::object_start) return true;
      if (event != Event::object_end)
        fail(ErrorCategory::input, "{}: patient {} is no object", file, patients_ + 1);
      ++patients_;
      read_patient(parsed);
      return false;
    };
    try {
      const NlstJson emptied = NlstJson::parse(NanAsNull(text, 0), NanAsNull(text, text.size()), visit);
    } catch (const NlstJson::exception& error) {
      fail(ErrorCategory::input, "{}: patient {}: no JSON: {}", file, patients_ + 1,
           printable(error.what(), 300));
    }
  }

  void refuse(std::string_view fault) {
    faults_.add(fmt::format("patient {}{}: {}", patients_,
                            pid_.empty() ? "" : " (pid " + printable(pid_) + ")", fault));
  }

  void read_patient(const NlstJson& patient) {
    pid_ = nlst_text(patient, "pid");
    if (pid_.empty()) return refuse("no pid");
    const std::string split_text = nlst_text(patient, "split");
    const std::optional<OutcomeSplit> split = split_in(split_text);
    if (!split)
      return refuse(fmt::format("split '{}' is neither train, dev nor test", printable(split_text)));
    const auto metadata = patient.find("pt_metadata"), exams = patient.find("accessions");
    if (metadata == patient.end() || !metadata->is_object()) return refuse("no object pt_metadata");
    if (exams == patient.end() || !exams->is_array()) return refuse("no list accessions");
    for (const NlstJson& exam : *exams) read_exam(exam, *metadata, *split);
  }

  void read_exam(const NlstJson& exam, const NlstJson& metadata, OutcomeSplit split) {
    if (!exam.is_object()) return refuse("an exam is no object");
    const auto all_series = exam.find("image_series");
    if (all_series == exam.end() || !all_series->is_object())
      return refuse("an exam has no object image_series");
    const std::optional<std::int64_t> timepoint =
        whole_in(fmt::format("{}", nlst_number(exam, "screen_timepoint")));
    if (!timepoint || *timepoint < 0) return refuse("an exam has no screen_timepoint from 0 on");
    const std::vector<std::string>& ignored = options_.ignored_exams;
    const bool is_ignored =
        std::find(ignored.begin(), ignored.end(), nlst_text(exam, "exam")) != ignored.end();
    for (const auto& [uid, series] : all_series->items()) {
      ++series_;
      if (is_ignored)
        ++left_out_["its exam is ignored"];
      else
        read_series(uid, series, metadata, *timepoint, split);
    }
  }

  // Why a series is not used; empty for one that is.
  std::string reason_against(const std::string& uid, const NlstJson& series_data, OutcomeSplit split) const {
    const double thickness = nlst_number(series_data, "reconthickness");
    if (is_localizer(series_data)) return "a localizer";
    if (!(thickness >= 0 && thickness <= options_.thickest_slice_mm))
      return fmt::format("slices not of 0 to {} mm", options_.thickest_slice_mm);
    if (!cached_.contains(uid)) return "not in mapping.csv of the samples";
    if (split == OutcomeSplit::test && google_ && !google_->contains(uid)) return "not in the Google split";
    return {};
  }

  void read_series(const std::string& uid, const NlstJson& series, const NlstJson& metadata,
                   std::int64_t timepoint, OutcomeSplit split) {
    const auto data = series.is_object() ? series.find("series_data") : series.end();
    if (data == series.end() || !data->is_object())
      return refuse(fmt::format("series {} has no object series_data", printable(uid)));
    const std::string reason = reason_against(uid, *data, split);
    const std::optional<NlstOutcome> outcome = outcome_of(metadata, timepoint, options_.horizon);
    if (!reason.empty() || !outcome) {
      ++left_out_[!reason.empty() ? reason : "no follow-up, or a negative time"];
      return;
    }
    OutcomeStudy& study = read_.table.studies.emplace_back();
    study.accession = uid;
    study.patient = pid_;
    study.split = split;
    study.row = series_;
    study.laterality = {any_above_zero(metadata, kRightKeys), any_above_zero(metadata, kLeftKeys),
                        any_above_zero(metadata, kOtherKeys)};
    find_files(study);
    values_.insert(values_.end(), {outcome->event, outcome->year});
  }

  void find_files(OutcomeStudy& study) {
    std::error_code unreadable;
    const std::string name = study.accession + ".1.0";
    // A UID is a name, not a way out of the folder.
    if (study.accession.find('/') != std::string::npos)
      return refuse(fmt::format("series {} is no UID", printable(study.accession)));
    study.image = options_.samples / name;
    if (!fs::exists(study.image, unreadable))
      refuse(fmt::format("series {}: {} does not exist", printable(study.accession),
                         printable(study.image.string(), 300)));
    if (options_.masks.empty()) return;
    const fs::path mask = options_.masks / (name + ".tar.lz4");
    if (fs::exists(mask, unreadable)) study.mask = mask;
  }

  const NlstOptions& options_;
  const std::set<std::string> cached_;
  const std::optional<std::set<std::string>> google_;
  std::int64_t patients_ = 0, series_ = 0;  // met so far
  std::string pid_;                         // of the patient that is read
  std::vector<std::int64_t> values_;        // (N, 2) events and years
  std::map<std::string, std::int64_t> left_out_;
  NlstTable read_;
  OutcomeFaults faults_;
};

}  // namespace

NlstTable read_nlst_table(const fs::path& json, const NlstOptions& options) {
  if (options.horizon < 1 || options.horizon > 100)
    fail(ErrorCategory::usage, "a horizon of {} years: 1 to 100", options.horizon);
  if (!(options.thickest_slice_mm > 0))
    fail(ErrorCategory::usage, "slices of at most {} mm", options.thickest_slice_mm);
  return NlstReader(json, options).read();
}

}  // namespace pillar
