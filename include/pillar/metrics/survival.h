// How well the risks of years to come are told: each year as a question of its own, and the order in which
// events come. Years are bins: time 0 is the first year after the scan.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"

#include <cstdint>
#include <span>
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
  at::Tensor risks_nk;                  // (N,K) float32 or float64: probability of an event up to year k
  SurvivalOutcomes outcomes;
};

// The survival curve of Kaplan and Meier (1958) after each of `years` bins: of the event, or of the end of
// follow-up, where ends are what is counted and events are what ends the watching. Throws Error(input) naming
// the row for a time outside the years or an event that is not 0 or 1.
std::vector<double> kaplan_meier(const SurvivalOutcomes& outcomes, std::int64_t years, bool of_censoring);

// The six years that the public code always weighs by, whatever it was trained on: the curve of the event,
// not of censoring, in the National Lung Screening Trial. For comparison with published numbers.
std::vector<double> nlst_event_curve();

struct SurvivalOptions {
  // Probability of being watched still, a year each: a pair whose later member has year t is weighted by
  // 1 / curve[t]^2 (Uno et al., 2011). Usually kaplan_meier() of the training set's censoring. Empty: all
  // pairs count the same.
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

// Throws Error(input) naming study and year: no studies, lengths that differ, a time outside 0 to K - 1, a
// risk that is no probability, a curve of another length or not above 0; an accession that the (not empty)
// patient table lacks.
SurvivalEvaluation evaluate_survival(const SurvivalPredictions& predictions, const SurvivalOptions& options,
                                     const BootstrapOptions& bootstrap, const PatientTable& patients);

enum class EnsembleMean { logits, probabilities };
// Probabilities of an ensemble, in the type of `members`, all of one shape: the sigmoid of the mean logit, as
// the public ensemble has it, or the mean of the sigmoids. Throws Error(input) where shapes differ or none is
// given.
at::Tensor ensemble_probabilities(std::span<const at::Tensor> logits, EnsembleMean mean);

}  // namespace pillar
