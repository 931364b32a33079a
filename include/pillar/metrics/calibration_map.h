// The calibration of a finetuned model: a curve for each of its outputs, fitted on validation studies.
#pragma once

#include "pillar/labels/outcomes.h"
#include "pillar/metrics/calibration_curve.h"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct OutputCalibration {
  std::string output;
  std::variant<PlattCurve, IsotonicCurve> curve;
};

// A curve takes the log-odds of its output's uncalibrated probability: for findings and for years the logit
// itself, for classes the logit against the log-sum-exp of the other classes' logits.
struct CalibrationMap {
  OutcomeKind kind = OutcomeKind::multilabel;
  std::vector<OutputCalibration> outputs;  // survival: one for each year, in order
};

// `logits_no`: (N, outputs) float32 or float64 of the validation studies. `answers_no`: (N, outputs) int8, 1
// yes, 0 no, -1 not known (left out for that output). Throws Error(input) naming the output that has a logit
// that is not finite, or no studies of both answers; Error(usage) for other shapes or types.
CalibrationMap fit_calibration(CalibrationMethod method, OutcomeKind kind,
                               const std::vector<std::string>& outputs, const at::Tensor& logits_no,
                               const at::Tensor& answers_no);

// Probabilities (N, outputs) of a model's logits, in the type of `logits_no`, on the CPU. Each output goes
// through its own curve; then, so that the outputs make sense together:
// - survival: the probability of an event by a year is the largest of that year and those before it (running
//   maximum), since it cannot fall as years go by;
// - multiclass: a row is divided by its sum (Zadrozny and Elkan 2002); a row of zeros becomes even.
// Throws Error(input) naming study (counted from 1) and output of a logit that is not finite; Error(usage)
// for another shape or type.
at::Tensor calibrate_logits(const CalibrationMap& map, const at::Tensor& logits_no);

// The same of uncalibrated probabilities (a mean over an ensemble, say), which are turned into log-odds; 0
// and 1 are taken as the nearest that have finite ones. Throws Error(input) for what is no probability.
at::Tensor calibrate_probabilities(const CalibrationMap& map, const at::Tensor& probabilities_no);

// calibration.json; atomic. Throws Error(io), and Error(input) for an output's name that is not UTF-8 text.
void write_calibration(const std::filesystem::path& file, const CalibrationMap& map);

// The curves of a model with these outputs, in their order, whatever the order in the file. Throws Error(io),
// and Error(input) naming file and key: another kind or method, numbers that are not finite, curves that
// fall, an output that is missing, twice there, or not of the model.
CalibrationMap read_calibration(const std::filesystem::path& file, const std::vector<std::string>& outputs);

}  // namespace pillar
