// The folder of a cohort and the options file that says what made it.
#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "phantom/cohort_index.h"
#include "phantom/scene.h"

#include <nlohmann/json.hpp>

namespace pillar {

CohortFormat parse_cohort_format(std::string_view text) {
  for (CohortFormat format : {CohortFormat::dicom, CohortFormat::enhanced, CohortFormat::nifti}) {
    if (text == phantom::to_string(format)) return format;
  }
  fail(ErrorCategory::usage, "unknown format '{}'; dicom, enhanced or nifti", text);
}

namespace phantom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxOptionsBytes = 1 << 16;

Json options_json(const CohortOptions& options) {
  Json json = {{"generator", "pillar-phantom"},
               {"generator_version", 1},
               {"studies", options.studies},
               {"seed", options.seed},
               {"size", options.phantom.size},
               {"field_of_view_mm", options.phantom.field_of_view_mm},
               {"modality", pillar::to_string(options.phantom.modality)},
               {"finding_probability", options.phantom.finding_probability},
               {"format", to_string(options.format)},
               {"train_fraction", options.train_fraction}};
  if (options.follow_up > 0) json["follow_up"] = options.follow_up;  // older cohorts do not have it
  return json;
}

Json read_options(const fs::path& file) {
  const Json json = Json::parse(read_text_file(file, kMaxOptionsBytes), nullptr, false);
  if (!json.is_object() || !json.contains("generator") || json["generator"] != "pillar-phantom") {
    fail(ErrorCategory::input, "{}: not the options of a pillar-phantom cohort", file);
  }
  return json;
}

void refuse_other_options(const fs::path& folder, const Json& wanted, const Json& found) {
  if (found.contains("follow_up") && !wanted.contains("follow_up"))
    fail(ErrorCategory::usage, "{}: holds a cohort with follow_up {}; choose another folder or overwrite it",
         folder, found["follow_up"].dump());
  for (const auto& [key, value] : wanted.items()) {
    const std::string before = found.contains(key) ? found[key].dump() : "absent";
    if (before != value.dump()) {
      fail(ErrorCategory::usage,
           "{}: holds a cohort with {} {}, not {}; choose another folder or overwrite it", folder, key,
           before, value.dump());
    }
  }
}

bool is_accession(std::string name) {
  name = name.substr(0, name.find('.'));
  if (name.ends_with(kFollowUpEnding)) name.pop_back();
  return name.size() >= 8 && name.starts_with("PH") &&
         name.find_first_not_of("0123456789", 2) == std::string::npos;
}

// Only what a cohort is made of, nothing else that a user may keep there.
void remove_cohort(const fs::path& folder) {
  for (const char* name :
       {"series.csv", "train.jsonl", "valid.jsonl", "test.jsonl", "labels.json", "truth.csv", "findings.csv",
        "survival.csv", "localization.csv", "boxes.csv", "pairs.csv", "change_labels.json"}) {
    fs::remove(folder / name);
  }
  for (const char* name : {"scans", "masks"}) {
    if (!fs::is_directory(folder / name)) continue;
    for (const auto& entry : fs::directory_iterator(folder / name)) {
      if (is_accession(entry.path().filename().string())) fs::remove_all(entry.path());
    }
  }
  fs::remove(folder / "cohort.json");  // last: a run that is killed before it can be repeated
}

}  // namespace

const char* to_string(CohortFormat format) noexcept {
  switch (format) {
    case CohortFormat::dicom:
      return "dicom";
    case CohortFormat::enhanced:
      return "enhanced";
    case CohortFormat::nifti:
      return "nifti";
  }
  return "";
}

void check_cohort_options(const CohortOptions& options) {
  if (options.studies < 1 || options.studies > 999'999) {
    fail(ErrorCategory::usage, "{} studies: 1 to 999999", options.studies);
  }
  if (options.jobs < 0 || options.jobs > 1024)
    fail(ErrorCategory::usage, "{} jobs: 0 (all processors) to 1024", options.jobs);
  if (!(options.follow_up >= 0 && options.follow_up <= 1))
    fail(ErrorCategory::usage, "follow-up {}: 0 to 1", options.follow_up);
  if (!(options.train_fraction >= 0 && options.train_fraction <= 1)) {
    fail(ErrorCategory::usage, "train fraction {}: 0 to 1", options.train_fraction);
  }
  check_phantom_options(options.phantom);
}

void prepare_folder(const fs::path& folder, const CohortOptions& options) {
  const Json wanted = options_json(options);
  const fs::path options_file = folder / "cohort.json";
  try {
    if (fs::exists(options_file)) {
      const Json found = read_options(options_file);
      options.overwrite ? remove_cohort(folder) : refuse_other_options(folder, wanted, found);
    } else if (fs::exists(folder) && !fs::is_directory(folder)) {
      fail(ErrorCategory::usage, "{}: not a folder", folder);
    } else if (fs::exists(folder) && !fs::is_empty(folder) && !options.overwrite) {
      fail(ErrorCategory::usage, "{}: not empty and no cohort; choose another folder or overwrite", folder);
    } else if (options.overwrite && fs::exists(folder)) {
      remove_cohort(folder);
    }
    fs::create_directories(folder / "scans");
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCategory::io, "{}: {}", folder, error.code().message());
  }
  remove_stale_partials(folder);
  remove_stale_partials(folder / "scans");
  write_file_atomic(options_file, wanted.dump(2) + "\n");
}

}  // namespace phantom
}  // namespace pillar
