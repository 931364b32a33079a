// How well the risks of years to come are told: each year as a question of its own, and the order in which
// events come. Years are bins: time 0 is the first year after the scan.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct SurvivalOutcomes {
  std::vector<std::int64_t> times_n;   // the year of the event, or the last year of follow-up
  std::vector<std::uint8_t> events_n;  // 1: the event was seen
};

struct SurvivalPredictions {
  std::vector<std::string> accessions;  // N
  // (N,K) float32 or float64, higher: more likely an event up to year k. Only the order of a year's risks
  // counts: logits do as well as probabilities, and better where a probability rounds to 1.
  at::Tensor risks_nk;
  SurvivalOutcomes outcomes;
};

// Kaplan and Meier (1958): the share that has had no event after each of `years` years. Throws Error(input)
// naming the row for a time outside the years or an event that is not 0 or 1.
std::vector<double> event_free_curve(const SurvivalOutcomes& outcomes, std::int64_t years);
// The share that is watched still when each of `years` years begins, by Kaplan and Meier's curve of the ends
// of follow-up, a year's events before its ends. Never 0: where all who are left are lost in one year, as at
// the end of a trial, the curve stays as it was. Throws as event_free_curve() does.
std::vector<double> watched_curve(const SurvivalOutcomes& outcomes, std::int64_t years);

// The six years that the public code always weighs by, whatever it was trained on: the curve of the event,
// not of censoring, in the National Lung Screening Trial. For comparison with published numbers.
std::vector<double> nlst_event_free_curve();

struct SurvivalOptions {
  // Probability of being watched still, a year each: a pair whose later member has year t is weighted by
  // 1 / curve[t]^2 (Uno et al., 2011). Usually watched_curve() of the training studies. Empty: all pairs
  // count the same.
  std::vector<double> watched_k;
  // Where a number is not defined: NaN, or what the public code says (AUROC 0 with one class only, average
  // precision 1 without negatives, -1 of an empty set and for a concordance without events).
  bool public_degenerate = false;
};

struct SurvivalYear {
  std::int64_t num_positive = 0, num_negative = 0;
  Interval auroc, average_precision;
  double pr_auc = 0;  // trapezoids below precision over recall, from (0,1) to the first full recall
};

struct ConcordanceSums {
  double right = 0, tied = 0, pairs = 0;  // weighted
};

struct SurvivalEvaluation {
  std::int64_t num_studies = 0, num_events = 0;
  BootstrapOptions bootstrap;
  std::string unit;            // "study" or "patient"
  std::int64_t num_units = 0;  // that were drawn from
  std::vector<double> watched_k;
  // Of a pair, the earlier has an event before the later's year (or within it, where the later's follow-up
  // ends); right is a higher risk of the earlier in that year, an equal risk counts half.
  Interval concordance;
  ConcordanceSums sums;
  // Year k asks for an event up to then. Whoever was lost before it without one is left out.
  std::vector<SurvivalYear> years;
};

// n log n. Throws Error(input), naming study and year where one is at fault: no studies, lengths or types
// that do not fit, a time outside 0 to K - 1, an event that is not 0 or 1, a risk that is not finite, a curve
// of another length or not above 0; an accession that the (not empty) patient table lacks.
SurvivalEvaluation evaluate_survival(const SurvivalPredictions& predictions, const SurvivalOptions& options,
                                     const BootstrapOptions& bootstrap, const PatientTable& patients);

// Writes metrics.csv, a row for each year (from 1) and one for the concordance, and metrics.json; makes the
// folder. Throws Error(io).
void write_survival(const std::filesystem::path& run_folder, const SurvivalEvaluation& evaluation,
                    const RunRecord& record);

}  // namespace pillar
