// Internal: the files beside a cohort's scans.
#pragma once

#include "pillar/phantom/cohort.h"

#include "phantom/follow_up.h"

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar::phantom {

struct StudyRecord {
  std::string accession;
  std::string patient;            // the accession of the patient's first study
  std::size_t patient_index = 0;  // from 0
  std::uint64_t seed = 0;
  std::string scan_path;  // relative to the cohort's folder
  std::vector<Finding> findings;
  std::string report;
  std::vector<std::array<double, 6>> boxes;  // with masks: of each finding, low and high corner in mm
};

// What the accession of a second study ends in, after that of the first.
inline constexpr char kFollowUpEnding = 'F';

const char* to_string(CohortFormat format) noexcept;
void check_cohort_options(const CohortOptions& options);  // throws Error(usage)

// The patient's second study, where there is one.
struct FollowUpRecord {
  StudyRecord study;
  PatientCourse course;
};

// Brings `folder` to where studies can be written: makes it, compares cohort.json with the options, or, to
// overwrite, removes what an earlier run left. Then writes cohort.json.
void prepare_folder(const std::filesystem::path& folder, const CohortOptions& options);

enum Split { kTrain, kValid, kTest };

// Which split each patient is in: a shuffle that depends on the seed and the number of studies only.
std::vector<Split> draw_splits(const CohortOptions& options);

// series.csv, the three JSON-lines files, labels.json, truth.csv.
void write_index(const std::filesystem::path& folder, const CohortOptions& options,
                 const std::vector<StudyRecord>& studies);

// pairs.csv and change_labels.json, of patients with two studies.
void write_changes(const std::filesystem::path& folder, const std::vector<FollowUpRecord>& follow_ups);

// findings.csv and survival.csv.
void write_outcomes(const std::filesystem::path& folder, const CohortOptions& options,
                    const std::vector<StudyRecord>& studies);

}  // namespace pillar::phantom
