// How often maps point at what is marked in the scans, beside two ways of pointing that look at no scan
// (docs/evidence.md has every number's definition).
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_record.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// Of one study and one way of pointing; from 0 to 1.
struct LocalizationScores {
  double hit = 0;                // 1: within the tolerance; of a random point the chance of that
  double energy_inside = 0;      // share of what the map has above 0 that lies in the finding
  double average_precision = 0;  // of voxels ranked by the map
  double best_dice = 0;          // over all thresholds of the map
  double fixed_dice = 0;         // of the voxels above half of the map's maximum
};

// A place that a map names, for FROC.
struct MarkedPlace {
  double score = 0;
  std::int64_t lesion = -1;  // the one that it hits, from 0; -1: none
};

struct LocalizedStudy {
  std::string accession;
  LocalizationScores evidence, prior, chance;
  std::vector<MarkedPlace> places;
  std::int64_t lesions = 0;
};

struct LocalizedQuestion {
  std::string question;
  double auroc = 0;                     // of the probe; NaN where it is not known
  std::vector<LocalizedStudy> studies;  // that have the finding marked
};

struct LocalizationOptions {
  BootstrapOptions bootstrap;
  PatientTable patients;  // empty: studies are drawn one by one
  double tolerance_mm = 15;
  double known_auroc = 0.8;  // from which a probe is said to know a finding
};

struct LocalizationIntervals {
  Interval hit, energy_inside, average_precision, best_dice, fixed_dice;
};

// False places a scan at which FROC gives the share of lesions that are found.
inline constexpr std::array<double, 4> kFalsePlacesPerScan = {0.5, 1, 2, 4};

struct QuestionLocalization {
  std::string question;
  double auroc = 0;
  std::int64_t studies = 0, lesions = 0;
  LocalizationIntervals evidence, prior, chance;
  Interval hit_above_prior, hit_above_chance;  // differences, drawn together
  std::vector<Interval> lesions_found;  // at kFalsePlacesPerScan; empty where each study has one lesion
  bool shortcut = false;  // the probe knows the finding, and does not point at it more often than chance
};

struct LocalizationEvaluation {
  BootstrapOptions bootstrap;
  std::string unit;  // "study" or "patient"
  std::int64_t num_units = 0;
  double tolerance_mm = 0, known_auroc = 0;
  std::vector<QuestionLocalization> questions;
};

// Throws Error(input): no question, a question without studies, a study that the patient table lacks.
LocalizationEvaluation evaluate_localization(const std::vector<LocalizedQuestion>& questions,
                                             const LocalizationOptions& options);

// Writes localization.csv and metrics.json; makes the folder. Throws Error(io).
void write_localization(const std::filesystem::path& run_folder, const LocalizationEvaluation& evaluation,
                        const RunRecord& record);

}  // namespace pillar
