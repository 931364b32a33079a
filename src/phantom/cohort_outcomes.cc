// Tables for finetuning: which findings a study has, and a made-up outcome that depends on one of them.
#include "pillar/core/csv.h"

#include "phantom/cohort_index.h"
#include "phantom/random.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar::phantom {
namespace {

constexpr int kHorizonYears = 6;
constexpr std::uint64_t kOutcomeStream = 0x6F7574636F6D65u;  // far from those of the anatomy
constexpr const char* kSplitNames[] = {"train", "dev", "test"};

const Finding* finding_of(const StudyRecord& study, FindingKind kind) {
  const auto found = std::find_if(study.findings.begin(), study.findings.end(),
                                  [&](const Finding& finding) { return finding.kind == kind; });
  return found == study.findings.end() ? nullptr : &*found;
}

// "pleural_effusion"
std::string column_name(FindingKind kind) {
  std::string name = pillar::to_string(kind);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

struct Outcome {
  bool has_event = false;
  int year = 0;  // of the event, else the last that the patient was followed
};

// docs/pillar-phantom.md, "The outcome in survival.csv".
Outcome draw_outcome(const StudyRecord& study) {
  Random random(study.seed, kOutcomeStream);
  const Finding* nodule = finding_of(study, FindingKind::lung_nodule);
  const double yearly = nodule == nullptr ? 0.02 : std::min(0.5, 0.02 + 0.02 * nodule->size_mm);
  const bool is_followed_to_the_end = random.chance(0.5);
  const int drawn_year = random.below(kHorizonYears);
  const int last_year = is_followed_to_the_end ? kHorizonYears - 1 : drawn_year;
  for (int year = 0; year <= last_year; ++year) {
    if (random.chance(yearly)) return {true, year};
  }
  return {false, last_year};
}

}  // namespace

void write_outcomes(const std::filesystem::path& folder, const CohortOptions& options,
                    const std::vector<StudyRecord>& studies) {
  const std::vector<std::string> common = {"accession", "patient", "split", "image_paths"};
  CsvTable findings{common, {}}, survival{common, {}};
  for (const FindingKind kind : all_findings()) findings.header.push_back(column_name(kind));
  survival.header.insert(survival.header.end(), {"y", "time_at_event"});
  // The middle part of a sample's name is the series number, which only DICOM has.
  const char* const ending = options.format == CohortFormat::nifti ? ".0.0" : ".1.0";
  const std::vector<Split> splits = draw_splits(options);
  for (const StudyRecord& study : studies) {
    const std::vector<std::string> row = {study.accession, study.patient,
                                          kSplitNames[splits[study.patient_index]],
                                          "../samples/" + study.accession + ending};
    findings.rows.push_back(row);
    for (const FindingKind kind : all_findings())
      findings.rows.back().emplace_back(finding_of(study, kind) != nullptr ? "1" : "0");
    if (study.accession != study.patient) continue;  // outcomes are of patients, from their first study on
    survival.rows.push_back(row);
    const Outcome outcome = draw_outcome(study);
    survival.rows.back().emplace_back(outcome.has_event ? "1" : "0");
    survival.rows.back().push_back(fmt::format("{}", outcome.year));
  }
  write_csv(folder / "findings.csv", findings);
  write_csv(folder / "survival.csv", survival);
}

}  // namespace pillar::phantom
